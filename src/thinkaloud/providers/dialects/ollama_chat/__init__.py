"""Ollama's own chat wire."""

from thinkaloud.providers.dialects.ollama_chat.dialect import bind

__all__ = ["bind"]
