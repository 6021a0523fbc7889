"""Cohere's v2 chat API."""

from thinkaloud.providers.dialects.cohere_chat.dialect import bind

__all__ = ["bind"]
