"""Anthropic's Messages API: Anthropic, Azure, Vertex, Bedrock invoke and compatible hosts."""

from thinkaloud.providers.dialects.anthropic_messages.dialect import bind

__all__ = ["bind"]
