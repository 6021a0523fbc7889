"""From a run's events to a chat: each character once, however slow the chat and whatever is lost."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.channels.bridging import connected
from tests.channels.recording import Recorder, Whole
from thinkaloud.channels import ChannelManager, InboundMessage
from thinkaloud.channels.bridge import Bridge, RunFeed
from thinkaloud.events.codec import decode
from thinkaloud.events.event import LoggedEvent
from thinkaloud.events.fold import Fold
from thinkaloud.events.view import NoticeBlock, RunView, ToolBlock
from thinkaloud.providers.scripted import Script, Wait
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.testing import Cut, ModelFailed, ScriptedModel, Silence, call_tool, say, think

PIECE = "x" * 60_000


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
    coalesced = [kind for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] != kind]
    assert coalesced == ["reasoning_delta", "reasoning_end", "delta", "stream_end"] * 2
    texts = {kind: "".join(t for k, t in channel.of("c") if k == kind) for kind in set(kinds)}
    assert texts["reasoning_delta"] == "I must add.So it is 5."
    assert texts["delta"] == "Wait.\n\nIt is 5."
    ends = [each for each in channel.metadata if each.resuming]
    assert len(ends) == 1
    assert all(each.run_id and each.stream_id and each.seq for each in channel.metadata)


async def test_a_channel_that_does_not_stream_gets_each_answer_as_a_message_without_a_gap() -> None:
    channel = Whole("rec")
    script: list[Script] = [
        [think("Hm"), say("  Wait."), call_tool("add", {"a": 2, "b": 3})],
        [say("It is ", "5.")],
    ]
    async with connected(ScriptedModel(*script), channel) as it:
        await it.say()
        while len(channel.sent) < 2:
            channel.arrived.clear()
            await channel.arrived.wait()
    assert channel.sent == ["  Wait.", "It is 5."]


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
    limits = Limits(idle_timeout_seconds=0.05 if way == "idle" else 60)
    async with connected(ScriptedModel([think("Hm"), ends[way]]), channel, limits=limits) as it:
        await it.say()
        await channel.until(1, "c")
        if way == "stop":
            (run_id,) = it.runs.active.in_conversation("local", "rec:c")
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
        assert await channel.until(1, "c") == [("send", "Stopped after 1 model calls, the limit.")]


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


class CutFeed:
    """The first events of a session one by one, then its last run as a whole."""

    def __init__(self, events: Sequence[LoggedEvent], seen: int) -> None:
        fold = Fold("c")
        for each in events:
            fold.apply(each)
        self.run = next(iter(fold.runs.values())).view()
        self._batches: list[Sequence[LoggedEvent] | RunView] = [[each] for each in events[:seen]]
        self._batches.append(self.run)

    async def begin(self, message: InboundMessage) -> str | None:
        return self.run.run_id

    async def stop(self, channel: str, chat_id: str) -> None:
        raise AssertionError("the session has ended")

    @asynccontextmanager
    async def follow(self, run_id: str) -> AsyncGenerator[RunFeed]:
        yield self

    async def next(self) -> Sequence[LoggedEvent] | RunView:
        return self._batches.pop(0) if self._batches else ()


@pytest.mark.promise("P2", "P4", "P9")
@pytest.mark.parametrize("name", ["tools-with-thought-between", "several-parts", "unicode"])
async def test_where_events_are_gone_the_rest_of_the_run_is_told_from_its_view(name: str) -> None:
    path = Path(__file__).parents[1] / "sessions" / f"{name}.jsonl"
    events = [decode(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for seen in range(len(events)):
        channel, feed = Recorder(), CutFeed(events, seen)
        manager = ChannelManager([channel])
        async with manager.open(), Bridge(manager, feed).open() as bridge:
            await bridge.receive(InboundMessage("rec", "c", "Hello"))
            while len(channel.ended()) < len(feed.run.blocks) - tools(feed.run):
                await channel.until(len(channel.of("c")) + 1, "c")
        received = {kind: "".join(t for k, t in channel.of("c") if k == kind) for kind in KINDS}
        assert received == {"reasoning_delta": feed.run.reasoning, "delta": feed.run.response}
        assert len(channel.ended()) == len(set(channel.ended()))


KINDS = ("reasoning_delta", "delta")


def tools(run: RunView) -> int:
    return sum(isinstance(block, ToolBlock | NoticeBlock) for block in run.blocks)
