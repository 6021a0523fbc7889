"""Anthropic's Messages wire: its own API, Azure, Vertex, Bedrock invoke and the clones of it."""

from thinkaloud.providers.dialects.anthropic_messages.dialect import bind

__all__ = ["bind"]
