"""Runs and conversations for commands: in this process or on a running server."""
