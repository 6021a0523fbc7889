"""A bridge with what stands on both sides of it: channels, and runs that are real or staged."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.channels.recording import Recorder
from tests.staging import OWNER, stage
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
    """A bridge with what stands on both sides of it."""

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
    async with stage(model, tools=[add], store=store, admission=limits, **options) as runs:
        manager = ChannelManager([channel], drain_seconds=0)
        chats = RunsOfChats(runs, store, OWNER)
        bridge = Bridge(manager, chats, drain_seconds=0)
        async with manager.open(), bridge.open():
            yield Connected(bridge, runs, store)


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

    async def next(self) -> Sequence[LoggedEvent]:
        if len(self._events) == 2 and self._gate is not None:
            await self._gate.wait()
        taken, self._events = self._events[:1], self._events[1:]
        return [LoggedEvent(1, 1, "conv", self._run_id, event) for event in taken]
