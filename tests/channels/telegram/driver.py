"""The driver of Telegram for the channel contract suite."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tests.channels.platform.clocks import FastClock
from tests.channels.platform.driver import DriverSetup, Shown
from tests.channels.platform.gate import Gate
from tests.channels.platform.lab import Lab, Setup, channel_lab
from tests.channels.telegram.fake.chats import BOT
from tests.channels.telegram.fake.people import People
from tests.channels.telegram.fake.server import TOKEN, FakeTelegram, Fault
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.telegram.client import TelegramPlatform
from thinkaloud.channels.telegram.settings import TelegramSettings
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore


class TelegramDriver:
    """Implements `Driver`. A draft counts as a message that nobody is notified of."""

    live_thoughts = True
    folds = True
    edits = True
    private_replies = True
    ada = "1"
    stranger = "2"
    group = "-100"
    lab: Lab

    def __init__(self, server: FakeTelegram, clock: FastClock, setup: DriverSetup) -> None:
        self._server = server
        self._people = People(server)
        self._last: dict[str, Any] = {}
        section = setup.section(ada=self.ada, group=self.group)
        values = {key: tuple(v) if isinstance(v, list) else v for key, v in section.items()}
        self._setup = Setup(
            name="telegram",
            settings=TelegramSettings(api_base=server.base, **values),  # pyright: ignore[reportArgumentType]
            clock=clock,
            environment={"TELEGRAM_BOT_TOKEN": TOKEN},
            store=MemoryStore(),
            tools=setup.tools,
            reasoning_allowed=setup.reasoning_allowed,
        )
        self._state = MemoryChannelState()
        self._stack = AsyncExitStack()

    @property
    def gate(self) -> Gate:
        return self._server.gate

    async def open(self, *scripts: Script) -> None:
        def make(settings: PlatformSettings, context: PlatformContext) -> TelegramPlatform:
            assert isinstance(settings, TelegramSettings)
            return TelegramPlatform(settings, context)

        lab = channel_lab(make, self._state, self._setup, *scripts)
        self.lab = await self._stack.enter_async_context(lab)
        await self._server.updates.asked.wait()

    async def close(self) -> None:
        await self._stack.aclose()

    async def restart(self, *scripts: Script) -> None:
        await self.close()
        self.gate.disarm()
        self._server.updates.asked.clear()
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
        if mention:
            text = f"@{BOT['username']} {text}"
        chat = int(self.group) if group else None
        self._last = self._people.says(text, user=int(sender), chat=chat, is_bot=is_bot)

    async def repeat_last(self) -> None:
        self._server.updates.add("message", self._last)

    async def press_stop(self, sender: str) -> bool:
        self._people.stops(int(sender))
        return True

    def shown(self, chat: str) -> list[Shown]:
        shown = [
            Shown(
                bubble.visible,
                bubble.folded,
                not bubble.silent,
                None if bubble.reader is None else str(bubble.reader),
            )
            for bubble in self._server.seen(int(chat))
        ]
        draft = self._server.chats.draft_in(int(chat))
        if draft is not None:
            shown.append(Shown(f"{draft.visible}\n{draft.thinking}", draft.folded, notifies=False))
        return shown

    def traffic(self) -> list[str]:
        return [sent.decode() for sent in self._server.bytes_received]

    def pings(self) -> list[str]:
        everything = [*self._server.chats.bubbles, *self._server.chats.all_drafts]
        return [name for bubble in everything for name in bubble.notified]

    def fail_next(self, calls: int, status: int, retry_after: float | None = None) -> None:
        whole = None if retry_after is None else max(1, round(retry_after))
        self._server.faults += [
            Fault(status, retry_after=whole, html=status == 502) for _ in range(calls)
        ]

    def people(self, count: int) -> Sequence[str]:
        return [str(1_000 + number) for number in range(count)]

    async def changed(self) -> None:
        async with self._server.changed:
            await self._server.changed.wait()


@asynccontextmanager
async def telegram_driver(setup: DriverSetup, *scripts: Script) -> AsyncGenerator[TelegramDriver]:
    clock = FastClock(20)
    server = FakeTelegram(clock.steady_ms)
    async with server.serving():
        driver = TelegramDriver(server, clock, setup)
        async with asyncio.timeout(30):
            await driver.open(*scripts)
        try:
            yield driver
        finally:
            await driver.close()
