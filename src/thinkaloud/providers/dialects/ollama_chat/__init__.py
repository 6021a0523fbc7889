"""Ollama's own chat API."""

from thinkaloud.providers.dialects.ollama_chat.dialect import bind

__all__ = ["bind"]
