"""`thinkaloud keys`, `thinkaloud audit` and `thinkaloud owners`."""
