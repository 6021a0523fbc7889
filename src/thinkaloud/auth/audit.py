"""Writes the audit log: who changed keys and policies, who logged in, and what was refused."""

from collections.abc import Mapping
from typing import Final

import msgspec

from thinkaloud.auth.refusals import Sender
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.keys import Act, AuditEntry, KeyStore

_MOST_ENTRIES: Final = 100_000
_DAY_MS: Final = 86_400_000


class Actor(msgspec.Struct, frozen=True):
    """Who does something, and from where."""

    by: str
    """The owner; `terminal` for somebody with access to the data directory."""
    address: str | None = None
    request_id: str | None = None
    is_terminal: bool = False
    """Whether it is done in the terminal, which may revoke the last admin key."""


TERMINAL: Final = Actor("terminal", is_terminal=True)
CONFIGURATION: Final = Actor("configuration")
"""The actor of changes that were made in the configuration, before the server started."""


class AuditLog:
    """Appends to the audit log."""

    def __init__(self, store: KeyStore, clock: Clock, days: float) -> None:
        self._store = store
        self._clock = clock
        self._days = days

    async def record(
        self, act: Act, actor: Actor, *, key_id: str | None = None, detail: str = ""
    ) -> None:
        """Append an entry. Raises `StoreError`."""
        entry = AuditEntry(
            at_ms=self._clock.unix_ms(),
            act=act,
            by=actor.by,
            key_id=key_id,
            address=actor.address,
            request_id=actor.request_id,
            detail=detail,
        )
        await self._store.append_audit([entry])

    async def record_policies(self, policies: str, default: str) -> None:
        """Append an entry if the policies of the configuration differ from the last recorded ones.

        As long as none were recorded, they were the default. Raises `StoreError`.
        """
        last = await self._store.audit(limit=1, by=CONFIGURATION.by)
        if policies != (last[0].detail if last else default):
            await self.record("policy.changed", CONFIGURATION, detail=policies)

    async def record_refusals(self, counts: dict[str, int]) -> None:
        """Append an entry for each address with wrong credentials. Raises `StoreError`."""
        now = self._clock.unix_ms()
        await self._store.append_audit(
            [
                AuditEntry(
                    at_ms=now,
                    act="refused",
                    by="",
                    address=address,
                    detail=f"{count} wrong credentials in a minute",
                )
                for address, count in counts.items()
            ]
        )

    async def record_forbidden(self, counts: Mapping[Sender, int]) -> None:
        """Append an entry for each sender of requests that were not permitted. Raises `StoreError`."""
        now = self._clock.unix_ms()
        await self._store.append_audit(
            [
                AuditEntry(
                    at_ms=now,
                    act="refused",
                    by=sender.owner,
                    key_id=sender.key_id,
                    address=sender.address,
                    detail=f"{count} requests that are not permitted, in a minute",
                )
                for sender, count in counts.items()
            ]
        )

    async def trim(self) -> None:
        """Delete entries beyond the retention period. Raises `StoreError`."""
        before = self._clock.unix_ms() - round(self._days * _DAY_MS)
        await self._store.trim_audit(before_ms=before, keep=_MOST_ENTRIES)
