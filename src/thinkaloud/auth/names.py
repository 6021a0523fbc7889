"""The form of owners' and keys' names, and of durations."""

import re
from typing import Final

_OWNER: Final = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?\Z")
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhdw])\Z")
_UNITS_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


def is_owner_name(text: str) -> bool:
    """Whether a text can be an owner's name: 1 to 128 printable ASCII characters."""
    return _OWNER.match(text) is not None


def is_key_name(text: str) -> bool:
    """Whether a text can be a key's name: 1 to 64 printable characters, no spaces at the ends."""
    return 0 < len(text) <= 64 and text.isprintable() and text == text.strip()


def duration_ms(text: str) -> int | None:
    """Parse a duration such as `30d`, `24h` or `90s`; None if it isn't one."""
    found = _DURATION.match(text)
    return None if found is None else int(found.group(1)) * _UNITS_MS[found.group(2)]
