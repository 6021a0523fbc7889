"""What a run asks a person, and how it waits for that."""
