"""`thinkaloud channels`: set up, test and list chat channels, and control who may use them."""
