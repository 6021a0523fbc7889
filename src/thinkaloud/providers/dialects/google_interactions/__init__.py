"""Gemini's Interactions wire."""

from thinkaloud.providers.dialects.google_interactions.dialect import bind

__all__ = ["bind"]
