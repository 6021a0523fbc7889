"""The built web page and what it needs to start."""
