"""Gemini's Interactions API."""

from thinkaloud.providers.dialects.google_interactions.dialect import bind

__all__ = ["bind"]
