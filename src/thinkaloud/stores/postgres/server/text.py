"""Text in PostgreSQL."""


def storable(text: str) -> str:
    """Return a text without the characters that PostgreSQL cannot store: NUL and lone surrogates."""
    if text.isascii():
        return text.replace("\0", "\ufffd")
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
