"""Followers that are up to date get new events pushed; the others pull them."""

import asyncio
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from types import FrameType

import pytest

import thinkaloud
from tests.harness import OWNER, logged, open_runs, start
from tests.runtime.reading import end_of
from thinkaloud.events.event import AnswerDelta, LoggedEvent, ReasoningDelta, RunEnded
from thinkaloud.ports.store import Appended, ConversationKey, RunRecord, Stored, Token
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.testing import Batch, ScriptedModel, Wait, say, think


class Script:
    """A model that sends one batch whenever the test asks for it."""

    def __init__(self, *batches: Sequence[object], then: Sequence[object] = ()) -> None:
        self._gates = [asyncio.Event() for _ in batches]
        steps: list[object] = []
        for gate, batch in zip(self._gates, batches, strict=True):
            steps += [Wait(gate), Batch(tuple(batch))]  # type: ignore[arg-type]
        self.model = ScriptedModel(steps, then)  # type: ignore[arg-type]

    @property
    def is_over(self) -> bool:
        """Whether all batches were sent."""
        return not self._gates

    async def send(self) -> None:
        """Send the next batch, and let the tasks that it wakes run."""
        self._gates.pop(0).set()
        for _ in range(5):
            await asyncio.sleep(0)

    async def send_all(self) -> None:
        while self._gates:
            await self.send()


class Reader:
    """Follows a run, taking what is pushed and pulling the rest."""

    def __init__(self, runs: Runs, record: RunRecord, after: int | None = None) -> None:
        self.seen: list[LoggedEvent] = []
        self.pushed: list[LoggedEvent] = []
        self.task = asyncio.create_task(self._read(runs, record, after))

    def push(self, entries: Sequence[Entry]) -> bool:
        self.pushed += [entry.logged for entry in entries]
        self.seen += [entry.logged for entry in entries]
        return True

    async def _read(self, runs: Runs, record: RunRecord, after: int | None) -> None:
        async with runs.follow(record, after) as follower:
            while batch := await follower.batch(merge=True, push=self.push):
                assert not isinstance(batch, Snapshot)
                self.seen += [entry.logged for entry in batch]


class Refusing(Reader):
    def push(self, entries: Sequence[Entry]) -> bool:
        return False


class Raising(Reader):
    def push(self, entries: Sequence[Entry]) -> bool:
        raise ZeroDivisionError


def words(events: Sequence[LoggedEvent]) -> list[tuple[int, str]]:
    return [
        (each.seq, each.event.text)
        for each in events
        if isinstance(each.event, AnswerDelta | ReasoningDelta)
    ]


def joined(events: Sequence[LoggedEvent]) -> str:
    return "".join(text for _, text in words(events))


@pytest.mark.promise("P9")
async def test_a_reader_that_is_up_to_date_gets_each_batch_merged_and_once() -> None:
    script = Script(think("a"), think("b", "c", "d"), [*think("e"), *say("f", "g")], say("h"))
    async with open_runs(script.model) as runs:
        record = await start(runs)
        reader = Reader(runs, record)
        await script.send_all()
        await reader.task
        everything = await logged(runs, record)

    # Merged deltas have the number of the last one.
    assert words(reader.pushed) == [(3, "a"), (6, "bcd"), (7, "e"), (10, "fg"), (11, "h")]
    assert joined(reader.seen) == joined(everything) == "abcdefgh"
    others = [each for each in reader.seen if each not in reader.pushed]
    assert [type(each.event).__name__ for each in others] == [
        "RunStarted",
        "IterationStarted",
        "RunEnded",
    ]
    assert [each.seq for each in reader.seen] == sorted({each.seq for each in reader.seen})


@pytest.mark.promise("P9", "P14")
@pytest.mark.parametrize("kind", [Reader, Refusing])
async def test_a_reader_misses_nothing_however_it_gets_the_events(kind: type[Reader]) -> None:
    script = Script(*([word] for word in (*think(*"abc"), *say(*"defgh"))))
    async with open_runs(script.model) as runs:
        record = await start(runs)
        reader = kind(runs, record)
        await script.send_all()
        await reader.task
        assert reader.seen == await logged(runs, record)


@pytest.mark.promise("P9")
async def test_a_reader_that_joins_in_the_middle_gets_everything_once_and_in_order() -> None:
    script = Script(*([word] for word in say(*"abcdefgh")))
    async with open_runs(script.model) as runs:
        record = await start(runs)
        first = Reader(runs, record)
        for _ in range(3):
            await script.send()
        late, resumed = Reader(runs, record), Reader(runs, record, first.seen[-2].seq)
        for _ in range(2):
            await script.send()
        # A reader that leaves between two pushes, and comes back after its last event.
        first.task.cancel()
        with suppress(asyncio.CancelledError):
            await first.task
        before = list(first.seen)
        await script.send_all()
        again = Reader(runs, record, before[-1].seq)
        await asyncio.gather(late.task, resumed.task, again.task)
        everything = await logged(runs, record)

    assert joined(late.seen) == "abcdefgh"
    assert first.seen == before
    assert joined(before + again.seen) == "abcdefgh"
    assert joined(resumed.seen) == "cdefgh"
    assert late.pushed
    assert resumed.seen == [each for each in everything if each.seq >= resumed.seen[0].seq]


@pytest.mark.promise("P9")
async def test_a_reader_of_one_run_gets_nothing_of_the_run_before_it() -> None:
    script = Script(say("a"), say("b"), then=say("c"))
    async with open_runs(script.model) as runs:
        first = await start(runs, conversation_id="c")
        second = await start(runs, conversation_id="c")
        reader, queued = Reader(runs, first), Reader(runs, second)
        await script.send_all()
        await asyncio.gather(reader.task, queued.task)
    assert joined(reader.seen) == "ab"
    assert {each.run_id for each in queued.seen} == {second.run_id}
    assert joined(queued.seen) == "c"


class SlowStore(MemoryStore):
    """A store that waits for the test before it saves the end of a run."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.allowed = asyncio.Event()

    async def append(
        self,
        batch: Mapping[ConversationKey, Sequence[Stored]],
        token: Token | None = None,
        running: Collection[str] = (),
    ) -> Appended:
        await self._hold([each for new in batch.values() for each in new])
        return await super().append(batch, token, running)

    async def compact(
        self,
        run: RunRecord,
        events: Sequence[Stored],
        text: str,
        *,
        title: str = "",
        reserved_seq: int | None = None,
        token: Token | None = None,
    ) -> bool:
        await self._hold(events)
        return await super().compact(
            run, events, text, title=title, reserved_seq=reserved_seq, token=token
        )

    async def _hold(self, events: Sequence[Stored]) -> None:
        if any(isinstance(each.logged.event, RunEnded) for each in events):
            self.reached.set()
            await self.allowed.wait()


@pytest.mark.promise("P3")
async def test_the_end_is_not_shown_before_it_is_saved_even_if_all_else_was_pushed() -> None:
    script, store = Script(say("a"), say("b")), SlowStore()
    async with open_runs(script.model, store=store) as runs:
        record = await start(runs)
        reader = Reader(runs, record)
        await script.send_all()
        await store.reached.wait()
        assert joined(reader.seen) == "ab"
        assert not any(isinstance(each.event, RunEnded) for each in reader.seen)
        store.allowed.set()
        await reader.task
    assert end_of([each.event for each in reader.seen]).status == "completed"
    assert not any(isinstance(each.event, RunEnded) for each in reader.pushed)


async def test_an_error_in_a_push_ends_its_own_reader_only() -> None:
    script = Script(say("a"), say("b"), say("c"))
    async with open_runs(script.model) as runs:
        record = await start(runs)
        broken, sound = Raising(runs, record), Reader(runs, record)
        await script.send_all()
        await sound.task
        with pytest.raises(ZeroDivisionError):
            await broken.task
    assert joined(sound.seen) == "abc"
    assert end_of([each.event for each in sound.seen]).status == "completed"


class Acting(Reader):
    """Does something whenever an event is pushed to it."""

    act: Callable[[], object]

    def push(self, entries: Sequence[Entry]) -> bool:
        self.act()
        return super().push(entries)


@pytest.mark.promise("P9")
async def test_nothing_is_pushed_to_a_reader_that_is_about_to_leave() -> None:
    script = Script(say("a"), say("b"))
    async with open_runs(script.model) as runs:
        record = await start(runs)
        acting, leaving = Acting(runs, record), Reader(runs, record)
        acting.act = leaving.task.cancel
        await script.send_all()
        await acting.task
    assert leaving.task.cancelled()
    assert joined(leaving.seen) == ""
    assert joined(acting.seen) == "ab"


@pytest.mark.promise("P3")
async def test_a_run_can_be_stopped_from_within_a_push() -> None:
    script = Script(say("a"), say("b"))
    async with open_runs(script.model) as runs, asyncio.TaskGroup() as tasks:
        record = await start(runs)
        reader, other = Acting(runs, record), Reader(runs, record)
        reader.act = lambda: tasks.create_task(runs.stop(OWNER, record.run_id))
        await script.send()
        await asyncio.gather(reader.task, other.task)
    assert joined(reader.seen) == joined(other.seen) == "a"
    assert end_of([each.event for each in other.seen]).status == "stopped"


@pytest.mark.promise("P11")
async def test_a_push_costs_the_same_work_at_the_end_of_a_long_run_as_at_its_start() -> None:
    script = Script(*([word] for word in say(*["token "] * 600)))
    async with open_runs(script.model, flush_interval=3600) as runs:
        record = await start(runs)
        reader = Reader(runs, record)
        await script.send()
        early = await _calls(script, 50)
        for _ in range(450):
            await script.send()
        late = await _calls(script, 50)
        await script.send_all()
        await reader.task
    assert len(reader.pushed) >= 600
    assert late <= early


async def _calls(script: Script, batches: int) -> int:
    """Count the calls of our own functions, a measure that no other load can disturb."""
    count = 0
    ours = thinkaloud.__path__[0]

    def profiler(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename.startswith(ours)

    previous = sys.getprofile()
    sys.setprofile(profiler)
    try:
        for _ in range(batches):
            await script.send()
    finally:
        sys.setprofile(previous)
    return count
