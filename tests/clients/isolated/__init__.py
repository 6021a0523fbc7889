"""Clients that cannot share an environment with the others. `make soak` runs them."""
