"""The engines: what happens within a run."""
