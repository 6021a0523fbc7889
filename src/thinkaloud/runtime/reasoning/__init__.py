"""The reasoning policy: what of the reasoning is recorded, and what a reader gets."""
