"""Commands that a user sends as a message. Pure."""

from typing import Final

_STOP: Final = "/stop"


def is_stop(text: str) -> bool:
    """Whether a message is `/stop`, ignoring case and surrounding white space."""
    return len(text) < 100 and text.strip().casefold() == _STOP
