"""The driver of the scripted platform: the contract suite on a platform without a network."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tests.channels.platform.clocks import FastClock
from tests.channels.platform.driver import DriverSetup, Shown
from tests.channels.platform.lab import Lab, Setup, channel_lab
from tests.channels.platform.scripted import Bubble, ScriptedPlatform, message
from thinkaloud.channels.platform.errors import PlatformError, RetryLater, Transient
from thinkaloud.channels.platform.message import ChatMessage
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore


class ScriptedDriver:
    """Implements `Driver`."""

    live_thoughts = True
    folds = True
    edits = True
    private_replies = True
    ada = "ada"
    stranger = "eve"
    group = "everyone"

    def __init__(self, setup: DriverSetup) -> None:
        section = setup.section(ada=self.ada, group=self.group)
        self._setup = Setup(
            settings=PlatformSettings(
                **{k: tuple(v) if isinstance(v, list) else v for k, v in section.items()}  # type: ignore[arg-type]
            ),
            clock=FastClock(100),
            store=MemoryStore(),
            tools=setup.tools,
            reasoning_allowed=setup.reasoning_allowed,
        )
        self._state = MemoryChannelState()
        self._stack = AsyncExitStack()
        self._bubbles: list[Bubble] = []
        self._calls: list[str] = []
        self._last: ChatMessage | None = None
        self._number = 0
        self.platform: ScriptedPlatform
        self.lab: Lab

    async def open(self, *scripts: Script) -> None:
        connected = asyncio.Event()

        def make(settings: PlatformSettings, context: PlatformContext) -> ScriptedPlatform:
            self.platform = ScriptedPlatform(settings, context)
            self.platform.bubbles, self.platform.calls = self._bubbles, self._calls
            connected.set()
            return self.platform

        lab = channel_lab(make, self._state, self._setup, *scripts)
        self.lab = await self._stack.enter_async_context(lab)
        await connected.wait()

    async def close(self) -> None:
        await self._stack.aclose()

    async def restart(self, *scripts: Script) -> None:
        await self.close()
        self._stack = AsyncExitStack()
        await self.open(*scripts)

    async def person_says(
        self,
        text: str,
        *,
        sender: str,
        group: bool = False,
        mention: bool = False,
        is_bot: bool = False,
    ) -> None:
        self._number += 1
        self._last = message(
            text,
            str(self._number),
            chat=self.group if group else sender,
            sender=sender,
            is_group=group,
            mentioned=mention,
            is_bot=is_bot,
        )
        await self.repeat_last()

    async def repeat_last(self) -> None:
        assert self._last is not None
        await self.lab.channel.inbox.receive(self._last)

    async def press_stop(self, sender: str) -> bool:
        chat = message("", chat=sender).chat
        await self.lab.channel.inbox.stopped(chat, None)
        return True

    def shown(self, chat: str) -> list[Shown]:
        return [
            Shown(bubble.visible, bubble.folded, private_to=bubble.private_to)
            for bubble in self._bubbles
            if bubble.chat.chat_id == chat
        ]

    def traffic(self) -> list[str]:
        return self._calls

    def pings(self) -> list[str]:
        return []

    def fail_next(self, calls: int, status: int, retry_after: float | None = None) -> None:
        failure: PlatformError = Transient(f"status {status}")
        if status == 429:
            failure = RetryLater(retry_after or 1.0)
        self.platform.failures = [failure] * calls

    def people(self, count: int) -> Sequence[str]:
        return [f"person-{n}" for n in range(count)]

    async def changed(self) -> None:
        await self.platform.next_change()


@asynccontextmanager
async def scripted_driver(setup: DriverSetup, *scripts: Script) -> AsyncGenerator[ScriptedDriver]:
    driver = ScriptedDriver(setup)
    await driver.open(*scripts)
    try:
        yield driver
    finally:
        await driver.close()
