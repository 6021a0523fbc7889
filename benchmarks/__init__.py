"""Benchmarks and soak tests: `make bench` and `make soak` run them."""
