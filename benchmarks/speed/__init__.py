"""How fast the server is, compared with floors: the same work with something left out."""
