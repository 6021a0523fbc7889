"""Cohere's v2 chat wire."""

from thinkaloud.providers.dialects.cohere_chat.dialect import bind

__all__ = ["bind"]
