"""Gemini's generateContent API, on Google AI and Vertex AI."""

from thinkaloud.providers.dialects.google_generate.dialect import bind

__all__ = ["bind"]
