"""Commands that a person types as a message. Pure."""

from typing import Final

_STOP: Final = "/stop"


def is_stop(text: str) -> bool:
    """Whether a message is the command to stop, in any case and with any white space around it."""
    return len(text) < 100 and text.strip().casefold() == _STOP
