"""How often an account may send. Pure, apart from the clock.

Homeservers limit messages per account, over all rooms. Synapse's default (`rc_message`) is a bucket of 10 that
refills with one message in 5 seconds; many operators raise it for bots, and no API tells. So updates of one chat are
spaced to fit the default, and only after the server has refused a message is the account kept below the default.
"""

from typing import Final

from thinkaloud.ports.clock import Clock

_BURST: Final = 10.0
_PER_SECOND: Final = 0.2
_RESERVE: Final = 4.0
"""What updates leave to answers."""
_GAPS: Final = (1.0, 1.5, 2.0, 3.0, 4.0)
_STEADY_GAP: Final = 5.0
_GROWTH: Final = 1.15
_MAX_GAP: Final = 120.0


def gap_seconds(updates: int) -> float:
    """Return the time between two updates of a message after so many.

    It grows: every edit is an event that each client loads, so a run of minutes has about 25 of them.
    """
    if updates < len(_GAPS):
        return _GAPS[updates]
    return float(min(_STEADY_GAP * _GROWTH ** min(updates - len(_GAPS), 100), _MAX_GAP))


class AccountRate:
    """The rate of one account. Unlimited until the server has refused a message."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._level: float | None = None
        self._at_ms = 0

    def wait_seconds(self, *, final: bool) -> float:
        """Return how long to wait before the next message; 0 if it may be sent now."""
        if self._level is None:
            return 0.0
        needed = 1.0 if final else 1.0 + _RESERVE
        return max(0.0, (needed - self._now()) / _PER_SECOND)

    def count(self) -> None:
        """Count a message that was sent."""
        if self._level is not None:
            self._set(self._now() - 1.0)

    def refused(self, seconds: float) -> None:
        """Note that the server refused a message for this long."""
        self._set(1.0 - seconds * _PER_SECOND)

    def _now(self) -> float:
        assert self._level is not None
        elapsed = (self._clock.steady_ms() - self._at_ms) / 1000
        return min(_BURST, self._level + elapsed * _PER_SECOND)

    def _set(self, level: float) -> None:
        self._level = level
        self._at_ms = self._clock.steady_ms()
