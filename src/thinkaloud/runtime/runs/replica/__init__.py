"""Several runtimes on one store: which of them live, and which runs each executes."""
