"""Terminal output: live rendering, plain output, escaping, Ctrl-C."""
