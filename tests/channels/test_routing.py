"""The channel manager: routing, order, and slow chats."""

import asyncio
from typing import Any

import pytest
from typing_extensions import override

from tests.channels.recording import Recorder, Whole, message
from thinkaloud.channels import ChannelManager, ChannelSettings
from thinkaloud.channels.message import (
    Delta,
    OutboundMessage,
    StreamEnd,
    StreamMetadata,
    ThoughtDelta,
    ThoughtEnd,
)
from thinkaloud.channels.outbox import MAX_CHARS, MAX_WAITING
from thinkaloud.errors import Conflict, InternalError, NotFound

pytestmark = pytest.mark.usefixtures("nonblocking")


def stream(stream_id: str) -> StreamMetadata:
    return StreamMetadata(run_id="run_1", stream_id=stream_id)


async def test_each_kind_reaches_its_own_method_with_its_metadata() -> None:
    channel = Recorder()
    async with ChannelManager([channel]).open() as manager:
        manager.dispatch(ThoughtDelta("rec", "c", "Hm", stream("r1")))
        manager.dispatch(ThoughtEnd("rec", "c", StreamMetadata("run_1", "r1", duration_ms=7)))
        manager.dispatch(Delta("rec", "c", "Hi", stream("a1")))
        manager.dispatch(StreamEnd("rec", "c", stream("a1")))
        manager.dispatch(message("Whole."))
        await channel.until(5, "c")
    assert [call for call in channel.calls if call[1]] == [
        ("reasoning_delta", "c", "Hm", "r1"),
        ("reasoning_end", "c", "", "r1"),
        ("delta", "c", "Hi", "a1"),
        ("stream_end", "c", "", "a1"),
        ("send", "c", "Whole.", None),
    ]
    assert [each.run_id for each in channel.metadata] == ["run_1"] * 4
    assert channel.metadata[1].duration_ms == 7


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([("All.", {"_reasoning": True})], ["delta All.", "end"]),
        ([("", {"_reasoning": True})], []),
        ([("a", {"_reasoning_delta": True}), ("", {"_reasoning_end": True})], ["delta a", "end"]),
        ([("a", {"_reasoning_delta": True, "_reasoning_end": True})], ["delta a", "end"]),
        ([("a", {"_reasoning_delta": True}), ("b", {"_reasoning_end": True})], ["delta ab", "end"]),
        ([("", {"_reasoning_end": True})], []),
        ([("", {"_reasoning_delta": True})], []),
    ],
)
@pytest.mark.promise("P2")
async def test_a_plugins_metadata_becomes_reasoning_and_never_text(
    sent: list[tuple[str, dict[str, Any]]], expected: list[str]
) -> None:
    channel = Recorder()
    async with ChannelManager([channel]).open() as manager:
        for content, metadata in sent:
            manager.dispatch(message(content, **metadata))
        # The end is there before anything else could have closed the stretch.
        await channel.until(len(expected), "c")
        manager.dispatch(message("after"))
        await channel.until(len(expected) + 1, "c")
    calls = [
        f"{method.removeprefix('reasoning_')} {text}".strip() for method, text in channel.of("c")
    ]
    assert calls == [*expected, "send after"]
    assert len({call[3] for call in channel.calls if call[0].startswith("reasoning")}) == bool(
        expected
    )


async def test_metadata_keys_that_are_false_say_nothing_and_do_not_travel() -> None:
    seen: list[OutboundMessage] = []

    class Keeper(Whole):
        @override
        async def send(self, msg: OutboundMessage) -> None:
            seen.append(msg)
            await super().send(msg)

    channel = Keeper()
    async with ChannelManager([channel]).open() as manager:
        manager.dispatch(message("Hi", channel="whole", _reasoning=False, mood="calm"))
        await channel.arrived.wait()
    assert [(each.content, dict(each.metadata)) for each in seen] == [("Hi", {"mood": "calm"})]


async def test_send_reasoning_is_one_delta_and_one_end() -> None:
    channel = Recorder()
    await channel.send_reasoning(message("Thought."))
    await channel.send_reasoning(message(""))
    assert channel.of() == [("reasoning_delta", "Thought."), ("reasoning_end", "")]
    assert {call[3] for call in channel.calls} != {None}


@pytest.mark.promise("P7")
@pytest.mark.parametrize("why", ["channel", "policy"])
async def test_a_channel_without_reasoning_gets_no_byte_of_it(why: str) -> None:
    channel = Recorder(settings=ChannelSettings(show_reasoning=why != "channel"))
    manager = ChannelManager([channel], reasoning_allowed=why != "policy")
    async with manager.open():
        manager.dispatch(ThoughtDelta("rec", "c", "secret", stream("r1")))
        manager.dispatch(message("secret", _reasoning=True))
        manager.dispatch(message("secret", _reasoning_delta=True))
        manager.dispatch(ThoughtEnd("rec", "c", stream("r1")))
        manager.dispatch(Delta("rec", "c", "Answer", stream("a1")))
        manager.dispatch(StreamEnd("rec", "c", stream("a1")))
        await channel.until(2, "c")
    assert channel.of("c") == [("delta", "Answer"), ("stream_end", "")]


@pytest.mark.promise("P7")
async def test_reasoning_for_a_channel_that_does_not_exist_is_dropped_and_text_is_refused() -> None:
    channel = Recorder()
    async with ChannelManager([channel]).open() as manager:
        manager.dispatch(message("secret", channel="gone", _reasoning=True))
        manager.dispatch(ThoughtDelta("gone", "c", "secret", stream("r1")))
        with pytest.raises(NotFound, match="gone"):
            manager.dispatch(message("Hello", channel="gone"))
    assert channel.of("c") == []


async def test_a_channel_that_does_not_stream_gets_each_answer_whole() -> None:
    channel = Whole()
    async with ChannelManager([channel]).open() as manager:
        manager.dispatch(message("Thought.", channel="whole", _reasoning=True))
        for text in ("It ", "is ", "5."):
            manager.dispatch(Delta("whole", "c", text, stream("a1")))
            await asyncio.sleep(0)
        assert channel.sent == []
        manager.dispatch(StreamEnd("whole", "c", stream("a1")))
        await channel.arrived.wait()
    assert channel.sent == ["It is 5."]


@pytest.mark.promise("P2")
@pytest.mark.parametrize("after", ["answer", "message", "other thought", "stop"])
async def test_a_stretch_of_reasoning_that_is_left_open_is_closed_once(after: str) -> None:
    channel = Recorder()
    async with ChannelManager([channel]).open() as manager:
        manager.dispatch(ThoughtDelta("rec", "c", "Hm", stream("r1")))
        if after == "answer":
            manager.dispatch(Delta("rec", "c", "Hi", stream("a1")))
        elif after == "message":
            manager.dispatch(message("Hi"))
        elif after == "other thought":
            manager.dispatch(ThoughtDelta("rec", "c", "Oh", stream("r2")))
        if after != "stop":
            manager.dispatch(ThoughtEnd("rec", "c", stream("r1")))
            manager.dispatch(ThoughtEnd("rec", "c", stream("r1")))
    calls = [(call[0], call[3]) for call in channel.calls if call[1]]
    assert calls[:2] == [("reasoning_delta", "r1"), ("reasoning_end", "r1")]
    assert calls.count(("reasoning_end", "r1")) == 1
    opened = [call for call in calls if call[0] == "reasoning_delta"]
    assert len(opened) == len([call for call in calls if call[0] == "reasoning_end"])
    assert after != "stop" or channel.metadata[1].interrupted


@pytest.mark.promise("P2")
async def test_an_id_that_is_used_again_after_its_end_opens_a_stretch_of_its_own() -> None:
    channel = Recorder()
    async with ChannelManager([channel]).open() as manager:
        for text in ("one", "two"):
            manager.dispatch(message(text, _reasoning=True, stream_id="same"))
        await channel.until(4, "c")
    ids = [call[3] for call in channel.calls if call[1]]
    assert ids[0] == ids[1] == "same"
    assert ids[2] == ids[3] != "same"


@pytest.mark.promise("P14")
async def test_a_slow_chat_delays_no_other_chat_and_no_other_channel() -> None:
    slow, other = Recorder("slow"), Recorder("other")
    slow.hold("stuck")
    async with ChannelManager([slow, other], drain_seconds=0).open() as manager:
        manager.dispatch(message("never", "stuck", "slow"))
        await slow.entered["stuck"].wait()
        for n in range(100):
            manager.dispatch(message(f"{n}", "stuck", "slow"))
            manager.dispatch(message(f"{n}", "quick", "slow"))
            manager.dispatch(message(f"{n}", "quick", "other"))
        everything = [("send", f"{n}") for n in range(100)]
        assert await slow.until(100, "quick") == everything
        assert await other.until(100, "quick") == everything
        assert slow.of("stuck") == []


@pytest.mark.promise("P4", "P14")
async def test_while_a_chat_is_slow_its_deltas_are_merged_and_none_is_lost() -> None:
    channel = Recorder()
    channel.hold("c")
    async with ChannelManager([channel]).open() as manager:
        manager.dispatch(ThoughtDelta("rec", "c", "0 ", stream("r1")))
        await channel.entered["c"].wait()
        for n in range(1, 5_000):
            manager.dispatch(ThoughtDelta("rec", "c", f"{n} ", stream("r1")))
        manager.dispatch(ThoughtEnd("rec", "c", stream("r1")))
        for n in range(5_000):
            manager.dispatch(Delta("rec", "c", f"{n} ", stream("a1")))
        manager.dispatch(StreamEnd("rec", "c", stream("a1")))
        channel.gates["c"].set()
        calls = await channel.until(5, "c")
    assert [method for method, _ in calls] == [
        "reasoning_delta", "reasoning_delta", "reasoning_end", "delta", "stream_end",
    ]  # fmt: skip
    numbers = "".join(f"{n} " for n in range(5_000))
    assert "".join(text for method, text in calls if method == "reasoning_delta") == numbers
    assert calls[3][1] == numbers


@pytest.mark.promise("P14", "P2")
async def test_where_too_much_waits_reasoning_goes_first_and_the_answer_stays() -> None:
    channel = Recorder()
    channel.hold("c")
    async with ChannelManager([channel]).open() as manager:
        manager.dispatch(Delta("rec", "c", "Begin. ", stream("a1")))
        await channel.entered["c"].wait()
        manager.dispatch(StreamEnd("rec", "c", stream("a1")))
        manager.dispatch(ThoughtDelta("rec", "c", "x" * MAX_CHARS, stream("r1")))
        manager.dispatch(ThoughtEnd("rec", "c", stream("r1")))
        manager.dispatch(Delta("rec", "c", "The answer.", stream("a2")))
        manager.dispatch(StreamEnd("rec", "c", stream("a2")))
        channel.gates["c"].set()
        calls = await channel.until(4, "c")
    assert calls == [
        ("delta", "Begin. "), ("stream_end", ""), ("delta", "The answer."), ("stream_end", ""),
    ]  # fmt: skip


@pytest.mark.promise("P14")
async def test_a_flood_of_messages_for_a_stuck_chat_is_refused_and_others_go_on() -> None:
    channel = Recorder()
    channel.hold("stuck")
    async with ChannelManager([channel], drain_seconds=0).open() as manager:
        manager.dispatch(message("first", "stuck"))
        await channel.entered["stuck"].wait()
        for n in range(MAX_WAITING):
            manager.dispatch(message(f"{n}", "stuck"))
        with pytest.raises(Conflict, match="stuck"):
            manager.dispatch(message("one too many", "stuck"))
        manager.dispatch(message("Hi", "quick"))
        assert await channel.until(1, "quick") == [("send", "Hi")]


async def test_a_delivery_that_raises_is_logged_and_the_chat_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(Whole):
        @override
        async def send(self, msg: OutboundMessage) -> None:
            if msg.content == "bad":
                raise ValueError("the platform said no")
            await super().send(msg)

    channel = Failing()
    async with ChannelManager([channel]).open() as manager:
        manager.dispatch(message("bad", channel="whole"))
        manager.dispatch(message("good", channel="whole"))
        await channel.arrived.wait()
    assert channel.sent == ["good"]
    assert "the platform said no" in caplog.text


async def test_a_channel_that_does_not_start_leaves_the_others_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Whole):
        @override
        async def start(self) -> None:
            raise OSError("no network")

        @override
        async def stop(self) -> None:
            raise OSError("never started")

    other = Recorder()
    async with ChannelManager([Broken(), other]).open() as manager:
        manager.dispatch(message("Hi"))
        assert await other.until(1, "c") == [("send", "Hi")]
    assert "no network" in caplog.text
    assert "never started" in caplog.text
    assert other.of("")[-1] == ("stop", "")


class Mute(Recorder):
    """Never returns from a call for reasoning."""

    @override
    async def send_reasoning_delta(
        self, chat_id: str, delta: str, metadata: StreamMetadata
    ) -> None:
        await super().send_reasoning_delta(chat_id, delta, metadata)
        await asyncio.Event().wait()

    @override
    async def send_reasoning_end(self, chat_id: str, metadata: StreamMetadata) -> None:
        await super().send_reasoning_end(chat_id, metadata)
        await asyncio.Event().wait()


@pytest.mark.promise("P2", "P4", "P14")
async def test_reasoning_that_never_gets_through_does_not_keep_the_answer() -> None:
    channel = Mute()
    async with ChannelManager([channel], reasoning_seconds=0.05).open() as manager:
        for stretch, count in (("r1", 1), ("r2", 3)):
            manager.dispatch(ThoughtDelta("rec", "c", "Hm", stream(stretch)))
            await channel.until(count, "c")
            manager.dispatch(ThoughtDelta("rec", "c", "lost", stream(stretch)))
            manager.dispatch(ThoughtEnd("rec", "c", stream(stretch)))
            await channel.until(count + 1, "c")
        manager.dispatch(Delta("rec", "c", "The answer.", stream("a1")))
        manager.dispatch(StreamEnd("rec", "c", stream("a1")))
        await channel.until(6, "c")
    assert channel.of("c") == [
        *[("reasoning_delta", "Hm"), ("reasoning_end", "")] * 2,
        ("delta", "The answer."),
        ("stream_end", ""),
    ]


async def test_a_channel_may_listen_until_it_is_stopped() -> None:
    calls: list[str] = []

    class Listening(Whole):
        @override
        async def start(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                calls.append("listening ended")

        @override
        async def stop(self) -> None:
            calls.append("stop")

    async with ChannelManager([Listening()]).open():
        await asyncio.sleep(0)
    assert calls == ["stop", "listening ended"]


async def test_on_leaving_what_waits_is_delivered_before_the_channel_stops() -> None:
    channel = Recorder()
    manager = ChannelManager([channel])
    async with manager.open():
        for n in range(10):
            manager.dispatch(message(f"{n}"))
    assert channel.of()[-11:] == [*(("send", f"{n}") for n in range(10)), ("stop", "")]
    with pytest.raises(InternalError):
        manager.dispatch(message("too late"))


async def test_what_is_raised_inside_reaches_the_caller_as_it_is() -> None:
    with pytest.raises(KeyError):
        async with ChannelManager([Recorder()]).open():
            raise KeyError("mine")
