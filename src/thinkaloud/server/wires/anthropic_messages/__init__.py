"""The wire of Anthropic's Messages API: content blocks, complete or streamed. Pure."""
