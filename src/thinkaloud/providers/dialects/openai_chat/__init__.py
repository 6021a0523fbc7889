"""OpenAI Chat Completions in all its variants."""

from thinkaloud.providers.dialects.openai_chat.dialect import bind

__all__ = ["bind"]
