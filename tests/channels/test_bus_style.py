"""Channels written for a base class that is constructed with `(config, bus)`, with metadata as a dict."""

import asyncio
import json
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from typing_extensions import override

from tests.channels.bridging import connected
from tests.channels.recording import Recorder, message
from tests.harness import OWNER, open_runs
from thinkaloud.app.channels import RunsOfChats
from thinkaloud.channels import BaseChannel, ChannelManager, ChannelSettings, OutboundMessage
from thinkaloud.channels.bridge import Bridge
from thinkaloud.channels.message import StreamMetadata
from thinkaloud.channels.plugins import make
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.testing import ScriptedModel, say, think


class OldChannel(BaseChannel):
    """Buffers by `_stream_id`, and sends it at the end of the stream."""

    name = "old"

    def __init__(self, config: Any, bus: Any) -> None:
        super().__init__(config, bus)
        self.greeting = config.get("greeting", "")
        self.sent: list[str] = []
        self.done = asyncio.Event()
        self._buffers: dict[str, str] = {}

    @override
    async def start(self) -> None:
        """Nothing to do."""

    @override
    async def stop(self) -> None:
        """Nothing to do."""

    @override
    async def send(self, msg: OutboundMessage) -> None:
        assert not msg.media
        assert msg.reply_to is None
        self.sent.append(f"message {msg.content} {msg.metadata.get('mood')}")
        self.done.set()

    @override
    async def send_delta(self, chat_id: str, delta: str, metadata: Any = None) -> None:
        meta = metadata or {}
        stream_id = meta["_stream_id"]
        self._buffers[stream_id] = self._buffers.get(stream_id, "") + delta
        if meta.get("_stream_end"):
            self.sent.append(f"answer {self._buffers.pop(stream_id)}")
            if not meta.get("_resuming"):
                self.done.set()

    @override
    async def send_reasoning_delta(self, chat_id: str, delta: str, metadata: Any = None) -> None:
        assert isinstance(metadata, dict)
        assert metadata.get("_reasoning_delta") is True
        self._buffers.setdefault(metadata["_stream_id"], "")
        self._buffers[metadata["_stream_id"]] += delta

    @override
    async def send_reasoning_end(self, chat_id: str, metadata: Any = None) -> None:
        assert metadata.get("_reasoning_end", False)
        self.sent.append(f"thought {self._buffers.pop(metadata.get('_stream_id'))}")


def installed(settings: ChannelSettings, exchange: Any = None) -> OldChannel:
    value = f"{__name__}:OldChannel"
    made = make(EntryPoint("old", value, "thinkaloud.channels"), settings, exchange)
    assert isinstance(made, OldChannel)
    return made


@pytest.mark.parametrize("allowed", [["*"], ["ann"], ["bob"], []])
async def test_a_channel_made_from_config_and_bus_talks_to_those_it_allows(
    allowed: list[str],
) -> None:
    model = ScriptedModel([think("Hm. ", "Well."), say("Hello, ", "you.")])
    store = MemoryStore()
    async with open_runs(model, store=store) as runs:
        manager = ChannelManager(drain_seconds=0)
        bridge = Bridge(manager, RunsOfChats(runs, store, OWNER), drain_seconds=0)
        settings = ChannelSettings(options={"greeting": "Hi", "allow_from": allowed})
        channel = installed(settings, bridge)
        manager.add(channel)
        async with manager.open(), bridge.open():
            await channel._handle_message("ann", "c", "Hello", metadata={"message_id": 7})
            await channel._handle_message("ann", "c", "Hello", metadata={"message_id": 7})
            if "*" in allowed or "ann" in allowed:
                await channel.done.wait()
    assert (channel.name, channel.greeting, channel.config.greeting) == ("old", "Hi", "Hi")
    expected = ["thought Hm. Well.", "answer Hello, you."]
    assert channel.sent == (expected if {"*", "ann"} & set(allowed) else [])


async def test_what_it_publishes_reaches_its_chat_as_message_thought_or_answer() -> None:
    channel = installed(ChannelSettings())
    async with ChannelManager([channel]).open() as manager:
        for metadata, content in (
            ({"_reasoning_delta": True, "_stream_id": "r1"}, "Let me "),
            ({"_reasoning_delta": True, "_stream_id": "r1"}, "see."),
            ({"_reasoning_end": True, "_stream_id": "r1"}, ""),
            ({"_stream_delta": True, "_stream_id": "a1"}, "So be "),
            ({"_stream_end": True, "_stream_id": "a1"}, "it."),
            ({"_reasoning": True}, "Whole."),
            ({"mood": "calm"}, "Tea."),
        ):
            manager.dispatch(OutboundMessage("old", "c", content, metadata))
        while len(channel.sent) < 4:
            channel.done.clear()
            await channel.done.wait()
    assert channel.sent == [
        "thought Let me see.", "answer So be it.", "thought Whole.", "message Tea. calm",
    ]  # fmt: skip


async def test_its_bus_carries_both_ways() -> None:
    recorder = Recorder()
    async with connected(ScriptedModel([say("Hi.")]), recorder) as it:
        channel = installed(ChannelSettings(), it.bridge)
        await channel.bus.publish_outbound(message("Let me see.", _reasoning=True))
        await channel.bus.publish_inbound(message("Hello"))
        calls = await recorder.until(5)
    assert calls[1:3] == [("reasoning_delta", "Let me see."), ("reasoning_end", "")]
    assert ("delta", "Hi.") in calls


def test_the_metadata_of_a_call_is_a_dict_with_both_kinds_of_names() -> None:
    metadata = StreamMetadata(run_id="run_1", stream_id="s1", resuming=True)
    assert isinstance(metadata, dict)
    assert metadata.get("_stream_id") == metadata["stream_id"] == metadata.stream_id == "s1"
    assert {**metadata, "more": 1}["_resuming"] is metadata.resuming is True
    assert json.loads(json.dumps(metadata))["run_id"] == "run_1"
    assert metadata.get("no_such_key", "default") == "default"


async def test_what_a_plugin_writes_into_metadata_stays_in_that_call() -> None:
    class Scribbler(Recorder):
        @override
        async def send_reasoning_delta(
            self, chat_id: str, delta: str, metadata: StreamMetadata
        ) -> None:
            metadata["_stream_id"] = "scribbled"
            metadata.pop("run_id")
            await super().send_reasoning_delta(chat_id, delta, metadata)

    channel = Scribbler()
    async with ChannelManager([channel]).open() as manager:
        manager.dispatch(message("One.", _reasoning_delta=True, _stream_id="r1"))
        await channel.until(2)
        manager.dispatch(message("", _reasoning_end=True, _stream_id="r1"))
        await channel.until(3)
    assert channel.metadata[-1]["_stream_id"] == "r1"
    assert channel.metadata[-1].get("run_id", "gone") is None
