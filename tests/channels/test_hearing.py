"""Messages from chats: each starts one run, in order, within the limits, or is rejected with a reason."""

import asyncio

import pytest
from typing_extensions import override

from tests.channels.bridging import ScriptedRuns, connected
from tests.channels.recording import Recorder, Whole
from tests.harness import OWNER, open_runs
from thinkaloud.app.channels import RunsOfChats, conversation_of
from thinkaloud.channels import ChannelManager, InboundMessage
from thinkaloud.channels.bridge import Bridge
from thinkaloud.channels.message import OutboundMessage
from thinkaloud.errors import InternalError, NotFound
from thinkaloud.ports.store import RunRecord
from thinkaloud.providers.scripted import Wait
from thinkaloud.runtime.runs.supervisor import ID_PATTERN
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.testing import ScriptedModel, Silence, say, think


async def test_two_messages_of_a_chat_are_answered_one_after_the_other() -> None:
    channel, gate = Whole("rec"), asyncio.Event()
    manager = ChannelManager([channel])
    async with manager.open(), Bridge(manager, ScriptedRuns({"run_1": gate})).open() as bridge:
        await bridge.receive(InboundMessage("rec", "c", "One"))
        await bridge.receive(InboundMessage("rec", "c", "Two"))
        await bridge.receive(InboundMessage("rec", "other", "Three"))
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
    """Looks up a key while other tasks run, as a store on a disk does."""

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


class HesitantRuns(ScriptedRuns):
    """Takes its time to begin the first message, and none for the others."""

    def __init__(self) -> None:
        super().__init__({})
        self.came: list[str] = []
        self.received: list[str] = []

    @override
    async def begin(self, message: InboundMessage) -> str | None:
        self.came.append(message.text)
        for _ in range(9 if len(self.came) == 1 else 0):
            await asyncio.sleep(0)
        self.received.append(message.text)
        return await super().begin(message)


async def test_messages_of_a_chat_that_come_together_are_begun_in_their_order() -> None:
    channel, runs = Whole("rec"), HesitantRuns()
    manager = ChannelManager([channel])
    async with manager.open(), Bridge(manager, runs).open() as bridge, asyncio.TaskGroup() as tasks:
        for text in ("One", "Two"):
            tasks.create_task(bridge.receive(InboundMessage("rec", "c", text)))
    assert runs.received == ["One", "Two"]


@pytest.mark.promise("P14")
async def test_more_messages_than_may_wait_in_a_chat_are_refused_there_and_in_no_other() -> None:
    channel = Recorder()
    model = ScriptedModel([say("One"), Silence()], [say("Two")], [say("Three")], [say("Other.")])
    async with connected(model, channel) as it:
        await it.say()
        await channel.until(1, "c")
        for _ in range(3):
            await it.say()
        assert (await channel.until(2, "c"))[1][1].startswith("Too many messages are waiting")
        await it.say(chat_id="other")
        await channel.until(1, "other")


@pytest.mark.promise("P14")
async def test_more_runs_than_may_go_on_in_all_are_refused_in_the_chat() -> None:
    channel = Recorder()
    async with connected(ScriptedModel(*[[Silence()]] * 5), channel) as it:
        for n in range(6):
            await it.say(chat_id=f"{n}")
        assert await channel.until(1, "5") == [("send", "Too many runs are active. Try again.")]
        assert channel.of("4") == []


@pytest.mark.promise("P3")
async def test_what_a_run_has_said_is_told_before_the_channels_close() -> None:
    channel = Recorder()
    channel.hold("c")
    manager, gate = ChannelManager([channel]), asyncio.Event()
    bridge = Bridge(manager, ScriptedRuns({"run_1": gate}))
    async with asyncio.TaskGroup() as tasks, manager.open(), bridge.open():
        await bridge.receive(InboundMessage("rec", "c", "Hello"))
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
    bridge = Bridge(manager, ScriptedRuns({"run_1": gate}), drain_seconds=0)
    async with asyncio.timeout(5), manager.open(), bridge.open():
        for text in ("One", "Two", "Three"):
            await bridge.receive(InboundMessage("rec", "c", text))
        await channel.entered["c"].wait()


async def test_a_message_that_comes_while_the_server_ends_is_refused_in_words() -> None:
    channel, model = Recorder(), ScriptedModel()
    async with open_runs(model) as runs:
        manager = ChannelManager([channel])
        bridge = Bridge(manager, RunsOfChats(runs, MemoryStore(), OWNER))
        async with manager.open():
            async with bridge.open():
                pass
            await bridge.receive(InboundMessage("rec", "c", "Hello"))
        await bridge.receive(InboundMessage("rec", "c", "Hello?"))
    ((method, text),) = channel.of("c")
    assert (method, "shutting down" in text) == ("send", True)
    assert model.requests == []


@pytest.mark.promise("P10")
async def test_a_channel_hears_and_stops_for_its_own_chats_and_speaks_to_any() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([think("Hm"), Silence()], [Wait(gate), say("Next.")])
    store = MemoryStore()
    async with open_runs(model, store=store) as runs:
        manager = ChannelManager(drain_seconds=0)
        bridge = Bridge(manager, RunsOfChats(runs, store, OWNER), drain_seconds=0)
        one, two = Recorder("one", exchange=bridge), Recorder("two", exchange=bridge)
        manager.add(one)
        manager.add(two)
        async with manager.open(), bridge.open():
            await one.receive("c", "Hello", message_id="m1")
            await one.until(1, "c")
            await one.receive("c", "And then?")
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
            received = await two.until(3, "d")
            with pytest.raises(NotFound, match="telex"):
                one.dispatch(OutboundMessage("telex", "d", "Hello"))
    assert received == [
        ("send", "Ann has asked for you."), ("reasoning_delta", "Why?"), ("reasoning_end", ""),
    ]  # fmt: skip


async def test_a_channel_that_stands_alone_says_so() -> None:
    alone = Recorder("rec")
    with pytest.raises(InternalError, match="rec"):
        await alone.receive("c", "Hello")
    with pytest.raises(InternalError, match="rec"):
        await alone.stop_run("c")
    with pytest.raises(InternalError, match="rec"):
        alone.dispatch(OutboundMessage("rec", "c", "Hello"))


async def test_a_channel_that_is_not_there_is_refused_before_anything_runs() -> None:
    model = ScriptedModel()
    async with connected(model) as it:
        with pytest.raises(NotFound, match="telex"):
            await it.bridge.receive(InboundMessage("telex", "c", "Hello"))
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
