"""The one place that constructs."""
