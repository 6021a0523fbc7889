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
from thinkaloud.ports.principal import ReasoningPolicy
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Follower, Snapshot
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.log.resume import resume
from thinkaloud.runtime.log.waiting import Push
from thinkaloud.runtime.reasoning.reader import Reader, RedactedEntries
from thinkaloud.runtime.runs.supervisor import Runs


class RunStream:
    """The events of one run or of a whole conversation, each once and in order."""

    def __init__(
        self,
        runs: Runs,
        owner: str,
        log: LiveLog,
        follower: Follower,
        reader: Reader,
        *,
        starts_run: bool = False,
    ) -> None:
        self.conversation_id = log.conversation_id
        self.run_id = follower.run_id
        """The followed run; None for a whole conversation."""
        self._runs = runs
        self._owner = owner
        self._log = log
        self._follower = follower
        self._ended = False
        self._fold: Fold | None = None
        self._reader = reader
        self._redacted = reader.entries()
        self._has_begun = False
        self._starts_run = starts_run
        """Whether the first event to come is the start of a run."""

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
        if self._redacted is None:
            batch = await self._follower.batch(merge=merge, push=push)
        else:
            batch = await self._redacted_batch(self._redacted, merge=merge)
        if self.run_id is not None and not isinstance(batch, Snapshot) and batch:
            self._ended |= isinstance(batch[-1].logged.event, RunEnded)
        return batch

    async def _redacted_batch(
        self, redacted: RedactedEntries, *, merge: bool
    ) -> Sequence[Entry] | Snapshot:
        """Like `batch`, redacted. Nothing is pushed, because the order of events matters."""
        if not self._has_begun:
            self._has_begun = True
            await self._begin(redacted, self._follower.cursor)
        while True:
            batch = await self._follower.batch(merge=merge)
            if isinstance(batch, Snapshot):
                return await self._redacted_snapshot(batch, redacted)
            # At the end of a stream, what is held back stays unsent: the reader resumes before it.
            found = redacted.take(batch)
            if found or not batch:
                return found

    async def _begin(self, redacted: RedactedEntries, cursor: int) -> None:
        """Read what comes before the cursor, if it may matter to what follows."""
        if not cursor or self._starts_run:
            return
        fold = await self._runs.hub.fold(self._owner, self.conversation_id)
        if fold.seq > cursor:
            # A cursor inside coalesced events gets a snapshot, and begins there again.
            fold = (await resume(self._log, self._runs.hub.reader, cursor)).fold
        redacted.begin(fold, cursor)

    async def _redacted_snapshot(self, snapshot: Snapshot, redacted: RedactedEntries) -> Snapshot:
        """Redact a snapshot. It covers more events until its last text is certain."""
        fold, seq = snapshot.fold, snapshot.seq
        redacted.begin(fold, seq)
        while redacted.is_waiting and not snapshot.exact:
            batch = await self._follower.batch()
            if isinstance(batch, Snapshot):
                return await self._redacted_snapshot(batch, redacted)
            if not batch:
                break
            for entry in batch:
                fold.apply(entry.logged)
            seq = batch[-1].logged.seq
            redacted.begin(fold, seq)
        return Snapshot(self._reader.fold(fold), seq, exact=snapshot.exact)

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
        found = await self._run(run_id)
        return None if found is None else self._reader.run(found)

    async def _run(self, run_id: str) -> RunFold | None:
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
    runs: Runs,
    record: RunRecord,
    after: int | None = None,
    *,
    live: bool = True,
    policy: ReasoningPolicy = "allow",
) -> AbstractAsyncContextManager[RunStream]:
    """Follow a run to its end from the event after `after`; by default, or if 0, from its start.

    Without `live`, the stream ends at the current last event. Entering it raises `InvalidRequest`
    if `after` was never assigned, or belongs to another run.
    """
    return _FollowedRun(runs, record, after, runs.reader(policy), live=live)


class _FollowedRun(AbstractAsyncContextManager[RunStream]):
    # A class, because every run is followed this way, and a generator takes three times as long.
    __slots__ = ("_after", "_live", "_log", "_reader", "_record", "_runs")

    def __init__(
        self, runs: Runs, record: RunRecord, after: int | None, reader: Reader, *, live: bool
    ) -> None:
        self._runs = runs
        self._record = record
        self._after = after
        self._reader = reader
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
            is_open = self._live and await runs.open_runs.appends_to(record, log)
            follower = runs.begin_following(log, record, after, is_open=is_open)
        except BaseException:
            await runs.hub.release(log)
            raise
        self._log = log
        starts_run = follower.cursor < record.first_seq
        return RunStream(runs, record.owner, log, follower, self._reader, starts_run=starts_run)

    @override
    async def __aexit__(self, *exception: object) -> None:
        if self._log is not None:
            self._log.watchers.leave()
            await self._runs.hub.release(self._log)


@asynccontextmanager
async def follow_conversation(
    runs: Runs,
    owner: str,
    conversation_id: str,
    after: int | None = None,
    *,
    live: bool = True,
    policy: ReasoningPolicy = "allow",
) -> AsyncGenerator[RunStream]:
    """Follow all runs of a conversation from the event after `after`; by default, only new events.

    Raises `NotFound` if this owner has no such conversation, and `InvalidRequest` if `after` was
    never assigned.
    """
    await runs.conversations.get(owner, conversation_id)
    async with runs.hub.open(owner, conversation_id) as log:
        _check_cursor(after, log)
        start = log.seq if after is None else after
        async with follow_log(runs, owner, log, start, live=live, policy=policy) as stream:
            yield stream


@asynccontextmanager
async def follow_log(
    runs: Runs,
    owner: str,
    log: LiveLog,
    after: int,
    *,
    live: bool = True,
    policy: ReasoningPolicy = "allow",
) -> AsyncGenerator[RunStream]:
    """Follow a conversation whose log is open and whose access was checked."""
    async with runs.hub.follow(owner, log.conversation_id, after, ended=not live) as follower:
        yield RunStream(runs, owner, log, follower, runs.reader(policy))


async def readable_fold(runs: Runs, owner: str, conversation_id: str, reader: Reader) -> Fold:
    """Return a conversation as it may be read, for a reader that then follows it from there.

    Waits while the end of its text could be the start of a secret.
    """
    fold = await runs.hub.fold(owner, conversation_id)
    redacted = reader.entries()
    if redacted is None:
        return fold
    redacted.begin(fold, fold.seq)
    if redacted.is_waiting:
        async with runs.hub.follow(owner, conversation_id, fold.seq) as follower:
            while redacted.is_waiting and (batch := await follower.batch()):
                if isinstance(batch, Snapshot):
                    fold = batch.fold
                else:
                    for entry in batch:
                        fold.apply(entry.logged)
                redacted.begin(fold, fold.seq)
    return reader.fold(fold)


async def certain_fold(runs: Runs, owner: str, conversation_id: str, reader: Reader) -> Fold:
    """Like `readable_fold`, without waiting: up to the last event after which nothing is held back.

    A reader that follows the conversation after the fold's `seq` gets what was left out, once it is
    certain.
    """
    fold = await runs.hub.fold(owner, conversation_id)
    redacted = reader.entries()
    if redacted is not None:
        redacted.begin(fold, fold.seq)
        if redacted.is_waiting:
            redacted.begin(Fold(conversation_id), 0)
            fold, waiting = Fold(conversation_id), list[LoggedEvent]()
            for logged in await runs.hub.logged(owner, conversation_id):
                redacted.take([Entry(logged, logged.seq)])
                waiting.append(logged)
                if not redacted.is_waiting:
                    for each in waiting:
                        fold.apply(each)
                    waiting.clear()
    return reader.fold(fold)


async def wait_for_end(runs: Runs, record: RunRecord, *, or_waiting: bool = False) -> None:
    """Wait until a run has ended. Counts as following it (see `stop_detached_after`).

    With `or_waiting`, return as soon as it waits for a person, too.
    """
    async with runs.hub.open(record.owner, record.conversation_id) as log:
        log.watchers.enter()
        try:
            await runs.open_runs.wait(record, or_waiting=or_waiting)
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
