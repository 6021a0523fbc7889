"""OpenAI's Responses API: OpenAI, Azure, xAI, DeepSeek, OpenRouter, Copilot, Codex and others."""

from thinkaloud.providers.dialects.openai_responses.dialect import bind

__all__ = ["bind"]
