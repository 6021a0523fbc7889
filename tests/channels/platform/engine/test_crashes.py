"""A crash before any single call, to the platform or to the state, loses no text and repeats none."""

import asyncio
import itertools
import re
from collections.abc import Sequence

from typing_extensions import override

from tests.channels.platform.clocks import SteppedClock, settle
from tests.channels.platform.lab import Lab, Setup, channel_lab
from tests.channels.platform.scripted import Bubble, Record, ScriptedPlatform, message
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import PlatformContext, Sent
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.ports.channel_state import ChannelState, StateEntry, StateKind
from thinkaloud.providers.scripted import say, think
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore

COMPLETE = re.compile(r"<Thought for 1 s: Hm\.>\nAnswer \d+\.")
CUT = re.compile(
    r"(<Thought for 1 s: Hm\.>\n)?(Answer (\d+\.)?\n)?The server shut down before the run finished\."
)


class Crash:
    """Lets a process come up to its nth call, and no further."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.calls = 0
        self.happened = asyncio.Event()

    async def point(self) -> None:
        self.calls += 1
        if self.at is not None and self.calls >= self.at:
            self.happened.set()
            await asyncio.Event().wait()


class CrashingState:
    """The state of a process that may crash. What is stored outlives it."""

    def __init__(self, stored: ChannelState, crash: Crash) -> None:
        self.stored = stored
        self.crash = crash

    async def get(self, channel: str, kind: StateKind, key: str) -> bytes | None:
        await self.crash.point()
        return await self.stored.get(channel, kind, key)

    async def put(self, channel: str, kind: StateKind, key: str, value: bytes) -> None:
        await self.crash.point()
        await self.stored.put(channel, kind, key, value)

    async def add(self, channel: str, kind: StateKind, key: str, value: bytes) -> bool:
        await self.crash.point()
        return await self.stored.add(channel, kind, key, value)

    async def take(self, channel: str, kind: StateKind, key: str) -> bytes | None:
        await self.crash.point()
        return await self.stored.take(channel, kind, key)

    async def entries(self, kind: StateKind, channel: str | None = None) -> Sequence[StateEntry]:
        await self.crash.point()
        return await self.stored.entries(kind, channel)

    async def trim(self, channel: str, kind: StateKind, keep: int) -> None:
        await self.crash.point()
        await self.stored.trim(channel, kind, keep)


class CrashingPlatform(ScriptedPlatform):
    """Creates one message per run, as platforms do that take an idempotency key."""

    crash: Crash
    made: dict[str, int]

    @override
    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        await self.crash.point()
        if sent.load(Record) is None and content.run_id in self.made:
            number = self.made[content.run_id]
            await sent.save(Record(number, self.bubbles[number].text))
        before = len(self.bubbles)
        shown = await super().show(chat, content, Remembering(sent, self.made, content.run_id))
        assert len(self.bubbles) <= before + 1
        return shown


class Remembering:
    """Notes the message of a run when it is made, before the record of it is stored."""

    def __init__(self, sent: Sent, made: dict[str, int], run_id: str) -> None:
        self.load = sent.load
        self._sent, self._made, self._run_id = sent, made, run_id

    async def save(self, record: Record) -> None:
        self._made[self._run_id] = record.message_id
        await self._sent.save(record)


class World:
    """What outlives a crash: the stores, and what the chat shows."""

    def __init__(self) -> None:
        self.state = MemoryChannelState()
        self.store = MemoryStore()
        self.bubbles: list[Bubble] = []
        self.made: dict[str, int] = {}
        self.numbers = itertools.count()

    async def process(self, at: int | None) -> bool:
        """Let a process receive both messages and answer them. Returns whether it crashed."""
        crash, clock = Crash(at), SteppedClock()

        def make(settings: PlatformSettings, context: PlatformContext) -> ScriptedPlatform:
            platform = CrashingPlatform(settings, context)
            platform.crash, platform.made, platform.bubbles = crash, self.made, self.bubbles
            return platform

        setup = Setup(clock=clock, store=self.store, drain_seconds=0, close_seconds=0.05)
        scripts = [[think("Hm."), say("Answer ", f"{next(self.numbers)}.")] for _ in range(4)]

        async def live() -> None:
            state = CrashingState(self.state, crash)
            async with channel_lab(make, state, setup, *scripts) as lab:
                await conversation(lab, clock)

        async with asyncio.TaskGroup() as tasks:
            living = tasks.create_task(live())
            crashing = tasks.create_task(crash.happened.wait())
            await asyncio.wait({living, crashing}, return_when=asyncio.FIRST_COMPLETED)
            living.cancel()
            crashing.cancel()
        return crash.happened.is_set()


async def conversation(lab: Lab, clock: SteppedClock) -> None:
    await settle()
    for number in ("1", "2"):
        await lab.channel.inbox.receive(message("Hello", number))
        quiet = asyncio.ensure_future(lab.channel.quiet())
        while not quiet.done():
            await clock.advance(1)
            await asyncio.sleep(0.001)


async def test_a_crash_before_any_call_neither_loses_nor_repeats_text() -> None:
    at, calls = 1, 0
    while True:
        world = World()
        crashed = await world.process(at)
        await world.process(None)
        texts = [bubble.text for bubble in world.bubbles]
        assert len(set(texts)) == len(texts) == 2, (at, texts)
        assert all(COMPLETE.fullmatch(text) or CUT.fullmatch(text) for text in texts), (at, texts)
        assert await world.state.entries("delivery") == [], at
        if not crashed:
            break
        at, calls = at + 1, calls + 1
    assert calls > 10
