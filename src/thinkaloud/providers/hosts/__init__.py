"""Hosts, which serve models: their addresses and authentication."""
