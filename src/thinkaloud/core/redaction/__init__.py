"""Redaction of secrets in streamed text: rules, their automaton, and streams of text and events."""
