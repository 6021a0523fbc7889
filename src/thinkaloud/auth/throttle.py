"""Throttles wrong credentials per client address."""

import ipaddress
import logging
from collections import OrderedDict, deque
from typing import Final

from thinkaloud.ports.clock import Clock

LIMIT: Final = 20
"""Wrong credentials per address and minute; further wrong ones are refused with 429."""
WINDOW_MS: Final = 60_000
_MOST_ADDRESSES: Final = 10_000
_log = logging.getLogger(__name__)


class Throttle:
    """Counts wrong credentials per address. Right ones are never refused.

    The addresses of one IPv6 network (/64) count together, because one client has all of them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, deque[tuple[int, bytes]]] = OrderedDict()
        self._counts: dict[str, int] = {}
        self._reported_ms = clock.unix_ms()

    def count(self, address: str | None, repeated: bytes = b"") -> float | None:
        """Count a wrong credential.

        Returns None, or after too many the seconds until the address can try again. `repeated` is
        a digest of a credential that counts only once, however often it is sent: the cookie of an
        ended session, which a browser sends with every request.
        """
        now = self._clock.unix_ms()
        name = _client(address)
        recent = self._wrong.setdefault(name, deque())
        self._wrong.move_to_end(name)
        while len(self._wrong) > _MOST_ADDRESSES:
            self._wrong.popitem(last=False)
        while recent and recent[0][0] <= now - WINDOW_MS:
            recent.popleft()
        if repeated and any(each == repeated for _, each in recent):
            return None
        if len(self._counts) < _MOST_ADDRESSES or name in self._counts:
            self._counts[name] = self._counts.get(name, 0) + 1
        if len(recent) < LIMIT:
            recent.append((now, repeated))
            return None
        return (recent[0][0] + WINDOW_MS - now) / 1000

    def report(self) -> dict[str, int] | None:
        """Once a minute, log the number of wrong credentials in one line, if there were any.

        Returns the number per address; None if it isn't time, or there were none.
        """
        now = self._clock.unix_ms()
        if not self._counts or now - self._reported_ms < WINDOW_MS:
            return None
        counts, self._counts = self._counts, {}
        self._reported_ms = now
        most = max(counts, key=lambda each: counts[each])
        _log.warning(
            "%s wrong credentials from %s addresses in the last minute, most of them (%s) from %s",
            sum(counts.values()),
            len(counts),
            counts[most],
            most,
        )
        return counts


def _client(address: str | None) -> str:
    if address is None:
        return "the Unix socket"
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "an unknown address"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        if not parsed.is_loopback:
            return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
