"""Writing with the token of a replica, which the store refuses once it was declared dead."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from thinkaloud.errors import Fenced
from thinkaloud.ports.store import (
    Appended,
    ConversationKey,
    RunRecord,
    Store,
    Stored,
    Token,
    ended_in,
)


class Fence(Protocol):
    """What a writer needs to know of the replica, and tells it, if others share the store."""

    @property
    def token(self) -> Token | None:
        """The token of the replica; None if the store is not shared."""
        ...

    def running(self) -> Collection[str]:
        """Return the runs that the replica executes."""
        ...

    def note(self, appended: Appended) -> None:
        """Take note of runs that were lost or are to stop."""
        ...

    def note_fenced(self) -> None:
        """Take note that the replica was declared dead."""
        ...


class FencedStore:
    """Appends to a store and compacts it as this replica. Raises `Fenced`, which the fence notes."""

    def __init__(self, store: Store, fence: Fence | None) -> None:
        self._store = store
        self._fence = fence
        self._ended: set[str] = set()
        """The runs that this replica has ended in the store, as long as the fence counts them."""

    async def append(self, batch: Mapping[ConversationKey, Sequence[Stored]]) -> None:
        """Append events; see `EventLog.append`."""
        fence = self._fence
        token = self._token()
        if fence is None or token is None:
            await self._store.append(batch)
            return
        running = fence.running()
        self._ended.intersection_update(running)
        try:
            appended = await self._store.append(batch, token, running)
        except Fenced:
            fence.note_fenced()
            raise
        # A run that was ended here is nobody's any more, and not lost.
        lost = set(appended.lost) - self._ended
        ended = {run_id for events in batch.values() for run_id in ended_in(events)}
        self._ended.update(ended - lost)
        if lost or appended.stopping:
            fence.note(Appended(lost, appended.stopping))

    async def compact(
        self,
        run: RunRecord,
        events: Sequence[Stored],
        text: str,
        title: str,
        reserved_seq: int | None,
    ) -> bool:
        """Compact a run; see `EventLog.compact`."""
        token = self._token()
        compacted = await self._store.compact(
            run, events, text, title=title, reserved_seq=reserved_seq, token=token
        )
        if compacted and token is not None:
            self._ended.update(ended_in(events))
        return compacted

    def _token(self) -> Token | None:
        """Return the token, which only the single user of a store does without."""
        token = None if self._fence is None else self._fence.token
        if token is None and self._store.is_shared:
            raise Fenced
        return token
