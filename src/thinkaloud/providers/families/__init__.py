"""What a model family can do: data."""
