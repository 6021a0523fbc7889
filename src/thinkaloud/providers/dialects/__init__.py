"""How a wire speaks: one folder a dialect, pure decode and encode. Folders know nothing of each other."""
