"""Tools of MCP servers. Only `sdk/` imports the library of the protocol, on first use."""
