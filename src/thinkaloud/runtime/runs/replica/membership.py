"""This runtime among the replicas that share the store."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from thinkaloud.errors import StoreError
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.signal import Signal
from thinkaloud.ports.store import Replica, ReplicaCounts, Replicas, Token
from thinkaloud.runtime.runs.limits import Lease

_BEATS_A_LEASE: Final = 6
_log = logging.getLogger(__name__)


class Membership:
    """Registers this runtime, beats, and declares dead the replicas that don't.

    No clocks of two machines are compared: the beats of others are watched with this one's.
    """

    def __init__(self, store: Replicas, clock: Clock, lease: Lease) -> None:
        self.token: Token | None = None
        """The fencing token; None before `join`, and while it is fenced."""
        self.others: Sequence[Replica] = ()
        """All replicas, this one included, as last seen."""
        self.fenced = Signal()
        """Set when this replica was declared dead."""
        self._store = store
        self._clock = clock
        self._lease = lease
        self._seen: dict[Token, tuple[int, int]] = {}
        """The beat of each replica, and when it was first seen."""
        self._failing = False

    async def join(self) -> None:
        """Register this runtime. Raises `StoreError`."""
        lease = self._lease
        self.token = await self._store.register(lease.name, lease.version, self._clock.unix_ms())
        self.fenced.clear()

    async def keep(self, counts: Callable[[], ReplicaCounts]) -> None:
        """Beat, and watch the beats of the others, until cancelled."""
        while True:
            await self._clock.sleep(self._lease.seconds / _BEATS_A_LEASE)
            try:
                await self._beat(counts())
                await self._watch()
            except StoreError:
                # After an outage, nobody's silence means anything.
                self._seen.clear()
                self._note_failed()
            else:
                self._failing = False

    async def drain(self) -> None:
        """Take no more runs. A failure is logged: others take them."""
        await self._tell("drain")

    async def leave(self) -> None:
        """Remove this replica. A failure is logged: it is declared dead later."""
        await self._tell("retire")
        self.token = None

    def note_fenced(self) -> None:
        """Take note that the store refused this replica."""
        if self.token is not None:
            self.token = None
            self._seen.clear()
            self.fenced.set()

    async def _tell(self, what: str) -> None:
        if self.token is None:
            return
        try:
            await (self._store.drain if what == "drain" else self._store.retire)(self.token)
        except StoreError:
            _log.exception("could not %s this replica", what)

    async def _beat(self, counts: ReplicaCounts) -> None:
        if self.token is None:
            return
        token = self.token
        if not await self._store.beat(token, counts) and self.token == token:
            self.note_fenced()

    async def _watch(self) -> None:
        found = await self._store.replicas()
        now_ms = self._clock.steady_ms()
        seen: dict[Token, tuple[int, int]] = {}
        for replica in found:
            beat, since_ms = self._seen.get(replica.token, (None, now_ms))
            if beat != replica.beat:
                since_ms = now_ms
            seen[replica.token] = (replica.beat, since_ms)
            silent_ms = now_ms - since_ms
            if (
                replica.token != self.token
                and silent_ms >= self._lease.seconds * 1000
                and await self._store.reap(replica.token, replica.beat)
            ):
                _log.warning("replica %s was silent for too long: its runs end", replica.name)
                del seen[replica.token]
        self._seen = seen
        self.others = [each for each in found if each.token in seen]

    def _note_failed(self) -> None:
        if not self._failing:
            _log.exception("cannot reach the database of the replicas; trying again")
        self._failing = True
