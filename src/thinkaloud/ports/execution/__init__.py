"""The ports for what executes runs, and for what a person has approved."""
