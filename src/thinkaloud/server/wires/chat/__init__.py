"""The chat wire: `/chat/stream` and `/chat/stream-sse`. Pure."""
