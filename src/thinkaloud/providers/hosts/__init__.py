"""Who serves a model: where it is, and how to be let in."""
