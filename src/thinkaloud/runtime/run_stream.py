"""Following a run or a conversation.

The HTTP API, both sockets, the Python API, the terminal and the chat channels all read through
`RunStream`. It is independent of wires: `thinkaloud.server.streams.frames` encodes its events.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from typing_extensions import override

from thinkaloud.errors import InternalError, InvalidRequest, NotFound
from thinkaloud.events.event import LoggedEvent, RunEnded
from thinkaloud.events.fold import Fold, RunFold
from thinkaloud.events.view import ConversationView
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Follower, Snapshot
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.log.waiting import Push
from thinkaloud.runtime.runs.supervisor import Runs


class RunStream:
    """The events of one run or of a whole conversation, each once and in order."""

    def __init__(self, runs: Runs, owner: str, log: LiveLog, follower: Follower) -> None:
        self.conversation_id = log.conversation_id
        self.run_id = follower.run_id
        """The followed run; None for a whole conversation."""
        self._runs = runs
        self._owner = owner
        self._log = log
        self._follower = follower
        self._ended = False
        self._fold: Fold | None = None

    @property
    def deleted(self) -> bool:
        """Whether the stream ended because its conversation was deleted."""
        return self._log.deleted and not self._ended

    async def batch(
        self, *, merge: bool = True, push: Push | None = None
    ) -> Sequence[Entry] | Snapshot:
        """Wait for new events and return them. Empty means the end.

        With `merge`, adjacent deltas of a segment are coalesced, so that a slow reader can catch
        up. A `Snapshot` replaces events that are no longer available individually. While this
        waits, events other than the first and last one of a run may be passed to `push` instead.
        """
        batch = await self._follower.batch(merge=merge, push=push)
        if self.run_id is not None and not isinstance(batch, Snapshot) and batch:
            self._ended |= isinstance(batch[-1].logged.event, RunEnded)
        return batch

    async def update(self, *, merge: bool = True) -> Sequence[LoggedEvent] | Snapshot:
        """Like `batch`, for a reader that kept its state: skips snapshots at its cursor."""
        while True:
            batch = await self.batch(merge=merge)
            if not isinstance(batch, Snapshot):
                return [entry.logged for entry in batch]
            if not batch.exact:
                return batch

    async def events(self, *, merge: bool = True) -> Sequence[LoggedEvent]:
        """Like `update`, for a run just started by this process: never a snapshot."""
        found = await self.update(merge=merge)
        if isinstance(found, Snapshot):
            raise InternalError("The log of a run that was just started has a gap.")
        return found

    async def fold(self, run_id: str) -> RunFold | None:
        """Return a run of this conversation, for its final frame."""
        run = self._log.runs.get(run_id)
        if run is not None:
            return run
        # Catching up on a long conversation reads it once more, not once for each run.
        if self._fold is None or self._fold.run(run_id) is None:
            self._fold = await self._runs.hub.fold(self._owner, self.conversation_id)
        return self._fold.run(run_id)

    async def record(self, run_id: str) -> RunRecord | None:
        """Return the stored record of a run of this conversation; None if there is none."""
        try:
            return await self._runs.record(self._owner, run_id)
        except NotFound:
            return None


def view_of(snapshot: Snapshot, run_id: str | None) -> ConversationView | None:
    """Return the view of a snapshot, or of one run in it; None if that run starts later."""
    fold = snapshot.fold
    if run_id is None:
        return fold.view()
    run = fold.run(run_id)
    if run is None:
        return None
    return ConversationView(fold.conversation_id, snapshot.seq, (run.view(),))


def follow_run(
    runs: Runs, record: RunRecord, after: int | None = None, *, live: bool = True
) -> AbstractAsyncContextManager[RunStream]:
    """Follow a run to its end from the event after `after`; by default, or if 0, from its start.

    Without `live`, the stream ends at the current last event. Entering it raises `InvalidRequest`
    if `after` was never assigned, or belongs to another run.
    """
    return _FollowedRun(runs, record, after, live=live)


class _FollowedRun(AbstractAsyncContextManager[RunStream]):
    # A class, because every run is followed this way, and a generator takes three times as long.
    __slots__ = ("_after", "_live", "_log", "_record", "_runs")

    def __init__(self, runs: Runs, record: RunRecord, after: int | None, *, live: bool) -> None:
        self._runs = runs
        self._record = record
        self._after = after
        self._live = live
        self._log: LiveLog | None = None

    @override
    async def __aenter__(self) -> RunStream:
        runs, record, after = self._runs, self._record, self._after
        log = await runs.hub.acquire(record.owner, record.conversation_id)
        try:
            _check_cursor(after, log)
            if after:
                await _check_run(runs, log, record, after)
            follower = runs.begin_following(log, record, after, live=self._live)
        except BaseException:
            await runs.hub.release(log)
            raise
        self._log = log
        return RunStream(runs, record.owner, log, follower)

    @override
    async def __aexit__(self, *exception: object) -> None:
        if self._log is not None:
            self._log.watchers.leave()
            await self._runs.hub.release(self._log)


@asynccontextmanager
async def follow_conversation(
    runs: Runs, owner: str, conversation_id: str, after: int | None = None, *, live: bool = True
) -> AsyncGenerator[RunStream]:
    """Follow all runs of a conversation from the event after `after`; by default, only new events.

    Raises `NotFound` if this owner has no such conversation, and `InvalidRequest` if `after` was
    never assigned.
    """
    await runs.conversations.get(owner, conversation_id)
    async with runs.hub.open(owner, conversation_id) as log:
        _check_cursor(after, log)
        start = log.seq if after is None else after
        async with follow_log(runs, owner, log, start, live=live) as stream:
            yield stream


@asynccontextmanager
async def follow_log(
    runs: Runs, owner: str, log: LiveLog, after: int, *, live: bool = True
) -> AsyncGenerator[RunStream]:
    """Follow a conversation whose log is open and whose access was checked."""
    async with runs.hub.follow(owner, log.conversation_id, after, ended=not live) as follower:
        yield RunStream(runs, owner, log, follower)


async def wait_for_end(runs: Runs, record: RunRecord) -> None:
    """Wait until a run has ended. Counts as following it (see `stop_detached_after`)."""
    async with runs.hub.open(record.owner, record.conversation_id) as log:
        log.watchers.enter()
        try:
            await runs.active.wait(record.run_id)
        finally:
            log.watchers.leave()


def _check_cursor(after: int | None, log: LiveLog) -> None:
    if after is not None and after > log.seq:
        raise InvalidRequest(
            f"after is {after}, but the last event of the conversation is {log.seq}.", field="after"
        )


async def _check_run(runs: Runs, log: LiveLog, record: RunRecord, after: int) -> None:
    """Raise `InvalidRequest` if `after` is an event of another run."""
    if after > log.floor:
        found = [entry.logged for entry in log.after(after - 1, 1)]
    else:
        page = await runs.hub.reader.read(log, after - 1, 1)
        found = [each.logged for each in page]
    if found and found[0].run_id != record.run_id:
        raise InvalidRequest(
            f"after is {after}, which is an event of another run. Leave it out, or send 0, to get"
            " all events of this one.",
            field="after",
        )
