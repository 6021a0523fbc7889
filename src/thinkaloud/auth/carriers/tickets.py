"""Tickets: a browser's socket cannot send a header, so it authenticates with a ticket instead."""

from collections import OrderedDict
from typing import Final

import msgspec

from thinkaloud.auth.secret_values import new_secret, ticket_digest
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.principal import Principal

TICKET_MS: Final = 30_000
_MOST: Final = 10_000
_MOST_PER_CREDENTIAL: Final = 100


class _Ticket(msgspec.Struct, frozen=True):
    principal: Principal
    expires_ms: int


class Tickets:
    """Issues tickets for one use within 30 seconds. They don't survive a restart."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tickets: OrderedDict[bytes, _Ticket] = OrderedDict()

    def issue(self, principal: Principal) -> str:
        """Return a new ticket. Beyond 100 unused ones of a credential, the oldest is void."""
        now = self._clock.unix_ms()
        while self._tickets:
            oldest = next(iter(self._tickets))
            if self._tickets[oldest].expires_ms > now and len(self._tickets) < _MOST:
                break
            del self._tickets[oldest]
        same = [
            d for d, ticket in self._tickets.items() if _name(ticket.principal) == _name(principal)
        ]
        for digest in same[: max(0, len(same) + 1 - _MOST_PER_CREDENTIAL)]:
            del self._tickets[digest]
        value = new_secret()
        self._tickets[ticket_digest(value)] = _Ticket(principal, now + TICKET_MS)
        return value

    def redeem(self, value: str) -> Principal | None:
        """Return whose ticket this is, once; None if it is unknown, used or expired."""
        ticket = self._tickets.pop(ticket_digest(value), None)
        if ticket is None or self._clock.unix_ms() >= ticket.expires_ms:
            return None
        return ticket.principal


def _name(principal: Principal) -> str:
    return principal.credential or f"user {principal.owner}"
