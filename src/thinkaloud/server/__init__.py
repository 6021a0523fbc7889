"""The ways in: REST, Server-Sent Events and WebSocket over the runtime."""
