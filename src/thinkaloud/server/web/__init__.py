"""The built web page and its bootstrap document."""
