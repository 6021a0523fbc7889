"""Following a run or a conversation: the log's entries as frames of a wire, batch by batch."""

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.events.event import LoggedEvent, RunEnded
from thinkaloud.events.fold import Fold, RunFold
from thinkaloud.events.view import ConversationView
from thinkaloud.ports.store import RunRecord, Store
from thinkaloud.runtime.log.follower import Follower, Snapshot
from thinkaloud.runtime.log.live_log import Entry, LiveLog
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.server.services import ServerServices
from thinkaloud.server.wires.chat.encode import ChatWire
from thinkaloud.server.wires.chat.frames import ErrorData, ErrorFrame

_PIECE: Final = 65_536


class Feed:
    """The frames that one reader gets, in order."""

    def __init__(self, runs: Runs, log: LiveLog, follower: Follower, wire: ChatWire) -> None:
        self._runs = runs
        self._log = log
        self._follower = follower
        self._wire = wire
        self._entries: deque[Entry] = deque()
        self._fold: Fold | None = None
        self._told_end = False

    async def next(self) -> Sequence[bytes]:
        """Wait for the next frames and return some; empty means the end.

        A reader that is far behind gets them piece by piece, so that what waits to be sent to it
        stays small.
        """
        while True:
            if not self._entries:
                batch = await self._follower.batch(merge=True)
                if isinstance(batch, Snapshot):
                    if frames := self._snapshot(batch):
                        return frames
                    continue
                if not batch:
                    return self._farewell()
                self._entries.extend(batch)
            frames = await self._some()
            if frames:
                return frames

    async def _some(self) -> Sequence[bytes]:
        wire = self._wire
        frames: list[bytes] = []
        size = 0
        while self._entries and size < _PIECE:
            entry = self._entries.popleft()
            if isinstance(entry.logged.event, RunEnded):
                self._told_end |= entry.logged.run_id == self._follower.run_id
                frame = await self._end(entry)
            else:
                frame = entry.frame(wire.name, wire.encode)
            if frame is not None:
                frames.append(frame)
                size += len(frame)
        return frames

    def _snapshot(self, found: Snapshot) -> Sequence[bytes]:
        run_id = self._follower.run_id
        if run_id is None:
            return [self._wire.snapshot(found.fold.view(), found.seq, None)]
        fold = found.fold.run(run_id)
        if fold is None:
            return ()  # It begins later: all of it follows.
        view = ConversationView(found.fold.conversation_id, found.seq, (fold.view(),))
        return [self._wire.snapshot(view, found.seq, run_id)]

    def _farewell(self) -> Sequence[bytes]:
        """Tell a reader that was told of no end that the conversation is gone, once."""
        if self._told_end or not self._log.deleted:
            return ()
        self._told_end = True
        run_id = self._follower.run_id
        data = ErrorData(
            message="The conversation was deleted.",
            code=NotFound.code,
            retryable=False,
            run_id=run_id or msgspec.UNSET,
            conversation_id=self._log.conversation_id,
        )
        return [self._wire.write(ErrorFrame(data, None, run_id))]

    async def _end(self, entry: Entry) -> bytes | None:
        fold = await self._run(entry.logged.run_id)

        def encode(logged: LoggedEvent) -> bytes | None:
            if fold is None:
                return None
            return self._wire.end(fold.view(), logged.conversation_id, logged.seq)

        return entry.frame(self._wire.name, encode)

    async def _run(self, run_id: str) -> RunFold | None:
        fold = self._log.runs.get(run_id)
        if fold is not None:
            return fold
        # Catching up on a long conversation reads it once more, not once for each run.
        if self._fold is None or self._fold.run(run_id) is None:
            self._fold = await self._runs.hub.fold(self._log.conversation_id)
        return self._fold.run(run_id)


@asynccontextmanager
async def follow_run(
    services: ServerServices, record: RunRecord, after: int | None, wire: ChatWire
) -> AsyncGenerator[Feed]:
    """Follow a run from the event after `after`, by default from its first, to its end.

    0 is before the first. Raises `InvalidRequest` where that number was never given out, or is
    one of another run.
    """
    runs = services.runs
    async with runs.hub.open(record.conversation_id) as log:
        _check_cursor(after, log)
        if after:
            await _check_run(services.store, log, record, after)
        async with runs.follow(record, after) as follower:
            yield Feed(runs, log, follower, wire)


@asynccontextmanager
async def follow_conversation(
    services: ServerServices, owner: str, conversation_id: str, after: int | None, wire: ChatWire
) -> AsyncGenerator[Feed]:
    """Follow all runs of a conversation, from the event after `after`, by default from now on.

    Raises `NotFound` where this owner has no such conversation, `InvalidRequest` as `follow_run`.
    """
    if await services.store.conversation(owner, conversation_id) is None:
        raise NotFound("There is no such conversation.")
    runs = services.runs
    async with runs.hub.open(conversation_id) as log:
        _check_cursor(after, log)
        start = log.seq if after is None else after
        async with runs.hub.follow(conversation_id, start) as follower:
            yield Feed(runs, log, follower, wire)


def _check_cursor(after: int | None, log: LiveLog) -> None:
    if after is not None and after > log.seq:
        raise InvalidRequest(
            f"after is {after}, but the last event of the conversation is {log.seq}.", field="after"
        )


async def _check_run(store: Store, log: LiveLog, record: RunRecord, after: int) -> None:
    """Refuse the number of another run: two runs were mixed up, and what follows is a guess."""
    if after > log.floor:
        found = [entry.logged for entry in log.after(after - 1, 1)]
    else:
        page = await store.read(record.conversation_id, after - 1, 1)
        found = [each.logged for each in page]
    if found and found[0].run_id != record.run_id:
        raise InvalidRequest(
            f"after is {after}, which is an event of another run. Without it, or with 0, you get"
            " all of this one.",
            field="after",
        )
