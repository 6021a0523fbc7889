"""The shell that runs the core: tasks, cancellation, limits, hooks, the hub that numbers and fans out."""
