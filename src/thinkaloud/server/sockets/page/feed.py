"""What one socket gets of one chat: the log's entries as frames of `/ws`, batch by batch."""

from collections.abc import Collection, Sequence

from thinkaloud.core.conversations.pagination import page_of
from thinkaloud.events.event import LoggedEvent, RunEnded, RunStarted
from thinkaloud.ports.store import Store
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.log.live_log import Entry
from thinkaloud.server.wires.page.encode import PageWire, page_wire


def message_key(chat_id: str, client_message_id: str) -> str:
    """Return the idempotency key of a message: an id counts within its chat."""
    return f"ws:{chat_id}:{client_message_id}"


class ChatFeed:
    """Turns batches of a follower into frames.

    `without` names runs whose reasoning is kept back, `accepted` those that this socket's own
    messages began, `last` is the most runs in a snapshot.
    """

    def __init__(
        self,
        store: Store,
        owner: str,
        wire: PageWire,
        without: Collection[str],
        accepted: Collection[str],
        last: int | None,
    ) -> None:
        self._store = store
        self._owner = owner
        self._wire = wire
        self._without = without
        self._accepted = accepted
        self._last = last
        self._plain = page_wire(reasoning=False)

    async def frames(self, batch: Sequence[Entry] | Snapshot) -> list[bytes]:
        """Return what this socket gets of a batch; what it does not carry is left out."""
        if isinstance(batch, Snapshot):
            page = page_of(batch.fold, self._last)
            earlier = page.next_before is not None
            return [self._wire.snapshot(page.view, batch.seq, self._without, earlier=earlier)]
        found: list[bytes] = []
        for entry in batch:
            wire = self._plain if entry.logged.run_id in self._without else self._wire
            match entry.logged.event:
                case RunStarted():
                    found.extend(await self._begun(entry, wire))
                case RunEnded():
                    found.extend(await self._ended(entry, wire))
                case _:
                    frame = entry.frame(wire.name, wire.encode)
                    if frame is not None:
                        found.append(frame)
        return found

    async def _begun(self, entry: Entry, wire: PageWire) -> list[bytes]:
        client_id = await self._client_message_id(entry.logged)
        accepted = entry.logged.run_id in self._accepted
        frame = entry.frame(
            f"{wire.name}.accepted" if accepted else wire.name,
            lambda logged: wire.message(logged, client_id, accepted=accepted),
        )
        return [] if frame is None else [frame]

    async def _ended(self, entry: Entry, wire: PageWire) -> list[bytes]:
        """Return how a run ended; one that failed is also reported as an `error`, before its end."""
        client_id = await self._client_message_id(entry.logged)
        frames = (
            entry.frame("ws.failure", lambda logged: wire.failure(logged, client_id)),
            entry.frame(wire.name, lambda logged: wire.turn_end(logged, client_id)),
        )
        return [frame for frame in frames if frame is not None]

    async def _client_message_id(self, logged: LoggedEvent) -> str | None:
        """Return the id that the client gave the message that began this run."""
        record = await self._store.run(self._owner, logged.run_id)
        key = record.idempotency_key if record is not None else None
        prefix = message_key(logged.conversation_id, "")
        return key.removeprefix(prefix) if key is not None and key.startswith(prefix) else None
