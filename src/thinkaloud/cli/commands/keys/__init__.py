"""`thinkaloud keys` and `thinkaloud audit`."""
