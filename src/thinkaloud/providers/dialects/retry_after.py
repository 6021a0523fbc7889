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


def spent(said: str, wait: float | None = None) -> bool:
    """Tell whether a refusal means that money or a quota is used up: waiting does not help.

    `said`: the provider's words, its codes among them. `wait`: how long it asks to wait; then
    words that are also said of a passing limit are read as one.
    """
    return _SPENT.search(said) is not None or (
        wait is None and _MAYBE_SPENT.search(said) is not None
    )
