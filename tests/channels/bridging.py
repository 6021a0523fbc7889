"""A channel bridge connected to channels, and to real or scripted runs."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.channels.recording import Recorder
from tests.harness import OWNER, open_runs
from thinkaloud.app.channels import RunsOfChats
from thinkaloud.channels import BaseChannel, ChannelManager, InboundMessage
from thinkaloud.channels.bridge import Bridge, RunFeed
from thinkaloud.events.event import AnswerDelta, AnswerEnded, Event, LoggedEvent
from thinkaloud.ports.model import Model
from thinkaloud.runtime.runs.limits import AdmissionLimits
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.tools.function import tool


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Connected:
    """A bridge connected to its channels and runs."""

    def __init__(self, bridge: Bridge, runs: Runs, store: MemoryStore) -> None:
        self.bridge = bridge
        self.runs = runs
        self.store = store

    async def say(self, text: str = "Hello", chat_id: str = "c", **members: Any) -> None:
        await self.bridge.receive(InboundMessage("rec", chat_id, text, **members))


@asynccontextmanager
async def connected(
    model: Model,
    channel: BaseChannel | None = None,
    store: MemoryStore | None = None,
    **options: Any,
) -> AsyncGenerator[Connected]:
    limits = AdmissionLimits(max_active_runs=5, max_waiting_messages=2)
    store = store or MemoryStore()
    channel = channel or Recorder()
    async with open_runs(model, tools=[add], store=store, admission=limits, **options) as runs:
        manager = ChannelManager([channel], drain_seconds=0)
        chats = RunsOfChats(runs, store, OWNER)
        bridge = Bridge(manager, chats, drain_seconds=0)
        async with manager.open(), bridge.open():
            yield Connected(bridge, runs, store)


class ScriptedRuns:
    """Scripted runs, numbered `run_1`, `run_2`…, whose events are delivered as a test allows."""

    def __init__(self, gates: dict[str, asyncio.Event]) -> None:
        self._gates = gates
        self._started = 0

    async def begin(self, message: InboundMessage) -> str | None:
        self._started += 1
        return f"run_{self._started}"

    async def stop(self, channel: str, chat_id: str) -> None:
        raise AssertionError("scripted runs have already ended")

    @asynccontextmanager
    async def follow(self, run_id: str) -> AsyncGenerator[RunFeed]:
        yield ScriptedFeed(run_id, self._gates)


class ScriptedFeed:
    def __init__(self, run_id: str, gates: dict[str, asyncio.Event]) -> None:
        self._run_id = run_id
        self._gate = gates.get(run_id)
        self._events: list[Event] = [
            AnswerDelta("a1", f"{run_id} says "),
            AnswerDelta("a1", "so."),
            AnswerEnded("a1"),
        ]

    async def next(self) -> Sequence[LoggedEvent]:
        if len(self._events) == 2 and self._gate is not None:
            await self._gate.wait()
        taken, self._events = self._events[:1], self._events[1:]
        return [LoggedEvent(1, 1, "conv", self._run_id, event) for event in taken]
