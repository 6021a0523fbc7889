"""The commands for MCP servers and trusted configuration files."""
