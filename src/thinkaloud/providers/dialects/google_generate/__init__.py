"""Gemini's generateContent wire, on Google AI and on Vertex AI."""

from thinkaloud.providers.dialects.google_generate.dialect import bind

__all__ = ["bind"]
