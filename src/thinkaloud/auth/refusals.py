"""Counts the requests that were refused with 403, for the audit log."""

from typing import Final

import msgspec

from thinkaloud.ports.clock import Clock

_MINUTE_MS: Final = 60_000
_MOST_SENDERS: Final = 10_000


class Sender(msgspec.Struct, frozen=True):
    """Who was refused. The owner is empty if no credential was read: a foreign origin."""

    owner: str
    key_id: str | None
    address: str | None


class Refusals:
    """Counts refused requests per sender. Further senders within a minute are not counted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: dict[Sender, int] = {}
        self._reported_ms = clock.unix_ms()

    def count(self, sender: Sender) -> None:
        """Count a refused request."""
        if len(self._counts) < _MOST_SENDERS or sender in self._counts:
            self._counts[sender] = self._counts.get(sender, 0) + 1

    def report(self) -> dict[Sender, int]:
        """Return the counts once a minute; otherwise nothing."""
        now = self._clock.unix_ms()
        if not self._counts or now - self._reported_ms < _MINUTE_MS:
            return {}
        counts, self._counts = self._counts, {}
        self._reported_ms = now
        return counts
