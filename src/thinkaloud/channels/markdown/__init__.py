"""Markdown for chat platforms: a tree to render from, splitting, and plain text. Pure."""
