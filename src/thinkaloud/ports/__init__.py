"""Ports: one small Protocol per file."""
