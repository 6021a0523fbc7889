"""The part that uses the official library `mcp`: transports, and what servers send."""
