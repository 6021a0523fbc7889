"""From a run's events to a chat: each character once, however slow the chat and whatever is lost."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from tests.channels.recording import Recorder, Whole
from tests.staging import stage
from thinkaloud.app.channels import RunsOfChats, conversation_of
from thinkaloud.channels import BaseChannel, ChannelManager, InboundMessage
from thinkaloud.channels.bridge import Bridge, RunFeed
from thinkaloud.channels.message import OutboundMessage
from thinkaloud.errors import InternalError, NotFound
from thinkaloud.events.codec import decode
from thinkaloud.events.event import AnswerDelta, AnswerEnded, Event, Recorded
from thinkaloud.events.fold import Fold, NoticeBlock, RunView, ToolBlock
from thinkaloud.ports.model import Model
from thinkaloud.ports.store import RunRecord
from thinkaloud.providers.scripted import Script, Wait
from thinkaloud.runtime.limits import Limits
from thinkaloud.runtime.runs import ID_PATTERN, Runs
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.testing import Cut, ModelFailed, ScriptedModel, Silence, call_tool, say, think
from thinkaloud.tools.function import tool

PIECE = "x" * 60_000


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Connected:
    """A bridge with what stands on both sides of it."""

    def __init__(self, bridge: Bridge, runs: Runs, store: MemoryStore) -> None:
        self.bridge = bridge
        self.runs = runs
        self.store = store

    async def say(self, text: str = "Hello", chat_id: str = "c", **members: Any) -> None:
        await self.bridge.hear(InboundMessage("rec", chat_id, text, **members))


@asynccontextmanager
async def connected(
    model: Model,
    channel: BaseChannel | None = None,
    store: MemoryStore | None = None,
    **options: Any,
) -> AsyncGenerator[Connected]:
    store = store or MemoryStore()
    channel = channel or Recorder()
    async with stage(model, tools=[add], store=store, **options) as runs:
        manager = ChannelManager([channel], drain_seconds=0)
        bridge = Bridge(manager, RunsOfChats(runs, store, max_waiting=2), drain_seconds=0)
        async with manager.open(), bridge.open():
            yield Connected(bridge, runs, store)


@pytest.mark.promise("P2", "P4")
async def test_a_run_is_told_in_order_with_its_segments() -> None:
    channel = Recorder()
    script: list[Script] = [
        [think("I must ", "add."), say("Wait."), call_tool("add", {"a": 2, "b": 3})],
        [think("So it is 5."), say("It is ", "5.")],
    ]
    async with connected(ScriptedModel(*script), channel) as it:
        await it.say()
        await channel.until(8, "c")
    kinds = [kind for kind, _ in channel.of("c")]
    merged = [kind for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] != kind]
    assert merged == ["reasoning_delta", "reasoning_end", "delta", "stream_end"] * 2
    texts = {kind: "".join(t for k, t in channel.of("c") if k == kind) for kind in set(kinds)}
    assert texts["reasoning_delta"] == "I must add.So it is 5."
    assert texts["delta"] == "Wait.\n\nIt is 5."
    ends = [each for each in channel.metadata if each.resuming]
    assert len(ends) == 1
    assert all(each.run_id and each.stream_id and each.seq for each in channel.metadata)


@pytest.mark.promise("P2", "P3")
@pytest.mark.parametrize("way", ["cut", "failed", "idle", "stop"])
async def test_a_run_that_breaks_off_closes_its_thought_and_says_why(way: str) -> None:
    channel = Recorder()
    ends: dict[str, Any] = {
        "cut": Cut(),
        "failed": ModelFailed("provider_overloaded", "Try later."),
        "idle": Silence(),
        "stop": Silence(),
    }
    limits = Limits(idle_timeout=0.05 if way == "idle" else 60)
    async with connected(ScriptedModel([think("Hm"), ends[way]]), channel, limits=limits) as it:
        await it.say()
        await channel.until(1, "c")
        if way == "stop":
            (run_id,) = it.runs.active.in_conversation("rec:c")
            await it.runs.stop("local", run_id)
        calls = await channel.until(2 if way == "stop" else 3, "c")
    assert calls[:2] == [("reasoning_delta", "Hm"), ("reasoning_end", "")]
    assert channel.metadata[1].interrupted
    assert [kind for kind, _ in calls[2:]] == ([] if way == "stop" else ["send"])


async def test_the_limit_of_model_calls_is_said() -> None:
    channel = Recorder()
    model = ScriptedModel([call_tool("add", {"a": 1, "b": 1})])
    async with connected(model, channel, limits=Limits(max_iterations=1)) as it:
        await it.say()
        assert await channel.until(1, "c") == [("send", "Stopped at the limit of 1 model calls.")]


@pytest.mark.promise("P14", "P4")
async def test_a_slow_chat_holds_back_its_own_run_and_gets_all_of_it() -> None:
    channel = Recorder()
    channel.hold("slow")
    gate = asyncio.Event()
    slow = [think(*[PIECE] * 40), say(*[PIECE] * 40), Wait(gate), say("End.")]
    model = ScriptedModel(slow, [say("Quick.")])
    async with connected(model, channel) as it:
        await it.say(chat_id="slow")
        await channel.entered["slow"].wait()
        await it.say(chat_id="quick")
        assert (await channel.until(2, "quick"))[0] == ("delta", "Quick.")
        assert channel.of("slow") == []
        gate.set()
        await it.runs.active.wait_for_all(5)
        channel.gates["slow"].set()
        while not channel.of("slow") or channel.of("slow")[-1][0] != "stream_end":
            await channel.until(len(channel.of("slow")) + 1, "slow")
    texts = {k: "".join(t for kind, t in channel.of("slow") if kind == k) for k in
             ("reasoning_delta", "delta")}  # fmt: skip
    assert texts == {"reasoning_delta": PIECE * 40, "delta": PIECE * 40 + "End."}


class StagedRuns:
    """Runs that have ended already, told as fast as a test lets them: `run_1`, `run_2`…"""

    def __init__(self, gates: dict[str, asyncio.Event]) -> None:
        self._gates = gates
        self._begun = 0

    async def begin(self, message: InboundMessage) -> str | None:
        self._begun += 1
        return f"run_{self._begun}"

    async def stop(self, channel: str, chat_id: str) -> None:
        raise AssertionError("what is staged has ended")

    @asynccontextmanager
    async def follow(self, run_id: str) -> AsyncGenerator[RunFeed]:
        yield StagedFeed(run_id, self._gates)


class StagedFeed:
    def __init__(self, run_id: str, gates: dict[str, asyncio.Event]) -> None:
        self._run_id = run_id
        self._gate = gates.get(run_id)
        self._events: list[Event] = [
            AnswerDelta("a1", f"{run_id} says "),
            AnswerDelta("a1", "so."),
            AnswerEnded("a1"),
        ]

    async def next(self) -> Sequence[Recorded]:
        if len(self._events) == 2 and self._gate is not None:
            await self._gate.wait()
        taken, self._events = self._events[:1], self._events[1:]
        return [Recorded(1, 1, "conv", self._run_id, event) for event in taken]


async def test_two_messages_of_a_chat_are_answered_one_after_the_other() -> None:
    channel, gate = Whole("rec"), asyncio.Event()
    manager = ChannelManager([channel])
    async with manager.open(), Bridge(manager, StagedRuns({"run_1": gate})).open() as bridge:
        await bridge.hear(InboundMessage("rec", "c", "One"))
        await bridge.hear(InboundMessage("rec", "c", "Two"))
        await bridge.hear(InboundMessage("rec", "other", "Three"))
        await channel.arrived.wait()
        assert channel.sent == ["run_3 says so."]
        gate.set()
        while len(channel.sent) < 3:
            channel.arrived.clear()
            await channel.arrived.wait()
    assert channel.sent[1:] == ["run_1 says so.", "run_2 says so."]


@pytest.mark.promise("P6")
async def test_a_message_that_is_delivered_twice_is_answered_once() -> None:
    model = ScriptedModel([say("Once.")], [say("Again.")])
    channel = Whole("rec")
    async with connected(model, channel) as it:
        await it.say(message_id="m1")
        await it.say(message_id="m1")
        await channel.arrived.wait()
        channel.arrived.clear()
        await it.say(message_id="m2")
        await channel.arrived.wait()
    assert channel.sent == ["Once.", "Again."]


class SlowStore(MemoryStore):
    """Looks up a key while others go on, as a store on a disk does."""

    @override
    async def run_for_key(self, owner: str, key: str) -> RunRecord | None:
        found = await super().run_for_key(owner, key)
        await asyncio.sleep(0)
        return found


@pytest.mark.promise("P6")
async def test_a_message_that_is_delivered_twice_at_once_is_told_once() -> None:
    model = ScriptedModel([say("Once.")], [say("Next.")])
    channel = Whole("rec")
    async with connected(model, channel, SlowStore()) as it:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(5):
                tasks.create_task(it.say(message_id="m1"))
        await it.say(message_id="m2")
        while "Next." not in channel.sent:
            channel.arrived.clear()
            await channel.arrived.wait()
    assert channel.sent == ["Once.", "Next."]


class HesitantRuns(StagedRuns):
    """Takes its time to begin the first message, and none for the others."""

    def __init__(self) -> None:
        super().__init__({})
        self.came: list[str] = []
        self.heard: list[str] = []

    @override
    async def begin(self, message: InboundMessage) -> str | None:
        self.came.append(message.text)
        for _ in range(9 if len(self.came) == 1 else 0):
            await asyncio.sleep(0)
        self.heard.append(message.text)
        return await super().begin(message)


async def test_messages_of_a_chat_that_come_together_are_begun_in_their_order() -> None:
    channel, runs = Whole("rec"), HesitantRuns()
    manager = ChannelManager([channel])
    async with manager.open(), Bridge(manager, runs).open() as bridge, asyncio.TaskGroup() as tasks:
        for text in ("One", "Two"):
            tasks.create_task(bridge.hear(InboundMessage("rec", "c", text)))
    assert runs.heard == ["One", "Two"]


@pytest.mark.promise("P14")
async def test_more_messages_than_may_wait_in_a_chat_are_refused_there_and_in_no_other() -> None:
    channel = Recorder()
    model = ScriptedModel([say("One"), Silence()], [say("Two")], [say("Three")], [say("Other.")])
    async with connected(model, channel) as it:
        await it.say()
        await channel.until(1, "c")
        for _ in range(3):
            await it.say()
        assert (await channel.until(2, "c"))[1][1].startswith("Too many messages wait")
        await it.say(chat_id="other")
        await channel.until(1, "other")


@pytest.mark.promise("P3")
async def test_what_a_run_has_said_is_told_before_the_channels_close() -> None:
    channel = Recorder()
    channel.hold("c")
    manager, gate = ChannelManager([channel]), asyncio.Event()
    bridge = Bridge(manager, StagedRuns({"run_1": gate}))
    async with asyncio.TaskGroup() as tasks, manager.open(), bridge.open():
        await bridge.hear(InboundMessage("rec", "c", "Hello"))
        await channel.entered["c"].wait()
        gate.set()
        tasks.create_task(let_go(channel))
    assert "".join(text for _, text in channel.of("c")) == "run_1 says so."
    assert channel.calls[-1][0] == "stop"


async def let_go(channel: Recorder) -> None:
    for _ in range(9):
        await asyncio.sleep(0)
    channel.gates["c"].set()


async def test_a_chat_that_is_stuck_holds_up_no_shutdown() -> None:
    channel, gate = Recorder(), asyncio.Event()
    channel.hold("c")
    manager = ChannelManager([channel], drain_seconds=0)
    bridge = Bridge(manager, StagedRuns({"run_1": gate}), drain_seconds=0)
    async with asyncio.timeout(5), manager.open(), bridge.open():
        for text in ("One", "Two", "Three"):
            await bridge.hear(InboundMessage("rec", "c", text))
        await channel.entered["c"].wait()


async def test_a_message_that_comes_while_the_server_ends_is_refused_in_words() -> None:
    channel, model = Recorder(), ScriptedModel()
    async with stage(model) as runs:
        manager = ChannelManager([channel])
        bridge = Bridge(manager, RunsOfChats(runs, MemoryStore()))
        async with manager.open():
            async with bridge.open():
                pass
            await bridge.hear(InboundMessage("rec", "c", "Hello"))
        await bridge.hear(InboundMessage("rec", "c", "Hello?"))
    ((method, text),) = channel.of("c")
    assert (method, "shutting down" in text) == ("send", True)
    assert model.requests == []


@pytest.mark.promise("P10")
async def test_a_channel_hears_and_stops_for_its_own_chats_and_speaks_to_any() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([think("Hm"), Silence()], [Wait(gate), say("Next.")])
    store = MemoryStore()
    async with stage(model, store=store) as runs:
        manager = ChannelManager(drain_seconds=0)
        bridge = Bridge(manager, RunsOfChats(runs, store), drain_seconds=0)
        one, two = Recorder("one", exchange=bridge), Recorder("two", exchange=bridge)
        manager.add(one)
        manager.add(two)
        async with manager.open(), bridge.open():
            await one.hear("c", "Hello", message_id="m1")
            await one.until(1, "c")
            await one.hear("c", "And then?")
            await one.stop_run("other")
            await two.stop_run("c")
            assert len(runs.active) == 2
            await one.stop_run("c")
            assert await one.until(2, "c") == [("reasoning_delta", "Hm"), ("reasoning_end", "")]
            gate.set()
            assert (await one.until(3, "c"))[2] == ("delta", "Next.")
            await runs.active.wait_for_all(5)
            await one.stop_run("c")
            one.dispatch(OutboundMessage("two", "d", "Ann has asked for you."))
            one.dispatch(OutboundMessage("two", "d", "Why?", {"_reasoning": True}))
            said = await two.until(3, "d")
            with pytest.raises(NotFound, match="telex"):
                one.dispatch(OutboundMessage("telex", "d", "Hello"))
    assert said == [
        ("send", "Ann has asked for you."), ("reasoning_delta", "Why?"), ("reasoning_end", ""),
    ]  # fmt: skip


async def test_a_channel_that_stands_alone_says_so() -> None:
    alone = Recorder("rec")
    with pytest.raises(InternalError, match="rec"):
        await alone.hear("c", "Hello")
    with pytest.raises(InternalError, match="rec"):
        await alone.stop_run("c")
    with pytest.raises(InternalError, match="rec"):
        alone.dispatch(OutboundMessage("rec", "c", "Hello"))


async def test_a_channel_that_is_not_there_is_refused_before_anything_runs() -> None:
    model = ScriptedModel()
    async with connected(model) as it:
        with pytest.raises(NotFound, match="telex"):
            await it.bridge.hear(InboundMessage("telex", "c", "Hello"))
    assert model.requests == []


async def test_a_refusal_is_said_in_the_chat() -> None:
    channel = Recorder()
    async with connected(ScriptedModel(), channel) as it:
        await it.say("  ")
        assert await channel.until(1, "c") == [("send", "text is empty.")]


@pytest.mark.promise("P12")
@pytest.mark.parametrize("chat_id", ["42", "-100:7", "@room:example.org", "x" * 300, "ü"])
def test_every_chat_has_a_conversation_of_its_own(chat_id: str) -> None:
    def named(channel: str, chat: str) -> str:
        return conversation_of(channel, chat)

    assert ID_PATTERN.match(named("telegram", chat_id))
    assert named("telegram", chat_id) == named("telegram", chat_id)
    others = {named("slack", chat_id), named("telegram", f"{chat_id}0"), named("telegram", "other")}
    assert named("telegram", chat_id) not in others


class CutFeed:
    """The first events of a session one by one, then its last run as a whole."""

    def __init__(self, events: Sequence[Recorded], seen: int) -> None:
        fold = Fold("c")
        for each in events:
            fold.apply(each)
        self.run = next(iter(fold.runs.values())).view()
        self._told: list[Sequence[Recorded] | RunView] = [[each] for each in events[:seen]]
        self._told.append(self.run)

    async def begin(self, message: InboundMessage) -> str | None:
        return self.run.run_id

    async def stop(self, channel: str, chat_id: str) -> None:
        raise AssertionError("the session has ended")

    @asynccontextmanager
    async def follow(self, run_id: str) -> AsyncGenerator[RunFeed]:
        yield self

    async def next(self) -> Sequence[Recorded] | RunView:
        return self._told.pop(0) if self._told else ()


@pytest.mark.promise("P2", "P4", "P9")
@pytest.mark.parametrize("name", ["tools-with-thought-between", "several-parts", "unicode"])
async def test_where_events_are_gone_the_rest_of_the_run_is_told_from_its_view(name: str) -> None:
    path = Path(__file__).parents[1] / "sessions" / f"{name}.jsonl"
    events = [decode(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for seen in range(len(events)):
        channel, feed = Recorder(), CutFeed(events, seen)
        manager = ChannelManager([channel])
        async with manager.open(), Bridge(manager, feed).open() as bridge:
            await bridge.hear(InboundMessage("rec", "c", "Hello"))
            while len(channel.ended()) < len(feed.run.blocks) - tools(feed.run):
                await channel.until(len(channel.of("c")) + 1, "c")
        told = {kind: "".join(t for k, t in channel.of("c") if k == kind) for kind in KINDS}
        assert told == {"reasoning_delta": feed.run.reasoning, "delta": feed.run.response}
        assert len(channel.ended()) == len(set(channel.ended()))


KINDS = ("reasoning_delta", "delta")


def tools(run: RunView) -> int:
    return sum(isinstance(block, ToolBlock | NoticeBlock) for block in run.blocks)
