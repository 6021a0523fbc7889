"""Seams: one small Protocol a file."""
