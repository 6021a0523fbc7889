"""The project's own tools: run from its root as `python -m scripts.<name>`."""
