"""The life of a run: requests, execution, model calls, tools, hooks, recovery."""
