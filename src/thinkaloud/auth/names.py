"""The form of owners' and keys' names, and of durations."""

import re
from typing import Final

OWNER_PATTERN: Final = r"^[!-~]([ -~]{0,126}[!-~])?$(?!\n)"
"""1 to 128 printable ASCII characters, without spaces at the ends."""
DURATION_PATTERN: Final = r"^[0-9]{1,5}[smhdw]$(?!\n)"
"""A number of seconds, minutes, hours, days or weeks."""

_OWNER: Final = re.compile(r"[!-~]([ -~]{0,126}[!-~])?\Z")
_DURATION: Final = re.compile(r"([0-9]{1,5})([smhdw])\Z")
_UNITS_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


def is_owner_name(text: str) -> bool:
    """Whether a text can be an owner's name: 1 to 128 printable ASCII characters."""
    return _OWNER.match(text) is not None


def duration_ms(text: str) -> int | None:
    """Parse a duration such as `30d`, `24h` or `90s`; None if it isn't one."""
    found = _DURATION.match(text)
    return None if found is None else int(found.group(1)) * _UNITS_MS[found.group(2)]
