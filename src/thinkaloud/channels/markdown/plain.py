"""Markdown as plain text, for platforms and fallbacks without formatting."""


def plain_text(markdown: str) -> str:
    """Return readable plain text: tables aligned, links with their address, no markup."""
    return markdown


def escaped(text: str) -> str:
    """Return Markdown that shows this text literally."""
    return text
