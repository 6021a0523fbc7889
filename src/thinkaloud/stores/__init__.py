"""The store port, implemented."""
