"""The commands of `thinkaloud`, one module each."""
