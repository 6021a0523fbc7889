"""How long a provider asks to wait, as it writes it."""

import re
from typing import Final

LONGEST: Final = 1e9
"""Seconds. What is longer was not meant: it counts as not said."""

_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def seconds(value: str | None, unit: float = 1.0) -> float | None:
    """Read a plain number in this many seconds; None for anything else, such as a date."""
    plain = "" if value is None else value.strip()
    return bounded(float(plain) * unit) if _NUMBER.fullmatch(plain) else None


def bounded(wait: float) -> float | None:
    """Return a wait that can be kept, or None."""
    return wait if 0 <= wait <= LONGEST else None
