"""Parses how long a provider asks to wait, and whether waiting can help."""

import re
from typing import Final

LONGEST: Final = 1e9
"""Maximum plausible wait in seconds; anything longer is ignored."""

_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def seconds(value: str | None, unit: float = 1.0) -> float | None:
    """Parse a plain number, in units of `unit` seconds; None for anything else, such as a date."""
    plain = "" if value is None else value.strip()
    return plausible(float(plain) * unit) if _NUMBER.fullmatch(plain) else None


def plausible(wait: float) -> float | None:
    """Return the wait if it is plausible, otherwise None."""
    return wait if 0 <= wait <= LONGEST else None


_SPENT: Final = re.compile(
    r"insufficient[ _-]?(?:quota|balance|credits?|funds|account balance)|insufficientbalance"
    r"|(?:credit|account) balance|balance (?:is )?(?:too low|not enough|insufficient)"
    r"|not enough (?:balance|credits?|quota|funds)|(?:no|out of|run out of|more) credits"
    r"|exceeded_current_quota|billing[ _]?(?:hard[ _]limit|not[ _]active|error)"
    r"|usage[ _]limit[ _]reached|(?:spend(?:ing)?|monthly|weekly)[ _]limit"
    r"|payment[ _]required|arrears|arrearage|overdue|recharge|top[- ]?up|余额不足|欠费|充值",
    re.IGNORECASE,
)
_MAYBE_SPENT: Final = re.compile(r"exceeded your current quota|plan and billing", re.IGNORECASE)


def spent(message: str, wait: float | None = None) -> bool:
    """Return whether an error means that credit or a quota is used up, so waiting does not help.

    `message` is the provider's message, including its codes. If `wait`, the requested delay, is
    given, ambiguous messages are treated as a temporary limit.
    """
    return _SPENT.search(message) is not None or (
        wait is None and _MAYBE_SPENT.search(message) is not None
    )
