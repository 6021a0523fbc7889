"""`thinkaloud channels`: set up, test and list chat channels, and decide who may use them."""
