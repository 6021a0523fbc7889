"""The shell around the core: tasks, cancellation, limits, hooks, and the hub of the event logs."""
