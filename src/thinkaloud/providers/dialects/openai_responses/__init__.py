"""The OpenAI Responses wire: OpenAI, Azure, xAI, DeepSeek, OpenRouter, Mantle, LM Studio, Copilot, Codex."""

from thinkaloud.providers.dialects.openai_responses.dialect import bind

__all__ = ["bind"]
