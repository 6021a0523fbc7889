"""The driver of WeCom for the contract suite: a real channel with Tencent's SDK on the fake WeCom."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import msgspec

from tests.channels.platform.clocks import FastClock
from tests.channels.platform.driver import DriverSetup, Shown
from tests.channels.platform.gate import Gate
from tests.channels.platform.lab import Lab, Setup, channel_lab
from tests.channels.wecom.fake.certificates import ca_file
from tests.channels.wecom.fake.people import People
from tests.channels.wecom.fake.server import BOT_ID, SECRET, FakeWeCom
from tests.channels.wecom.fake.visible import mentions, visible
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.wecom.client import WeComPlatform
from thinkaloud.channels.wecom.settings import WeComSettings
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore


class WeComDriver:
    """Implements `Driver`."""

    live_thoughts = True
    folds = True
    edits = True
    private_replies = False
    ada = "ada"
    stranger = "eve"
    group = "group-1"

    def __init__(self, setup: DriverSetup, server: FakeWeCom, clock: FastClock) -> None:
        self.server = server
        self.writer = People(server)
        section = setup.section(ada=self.ada, group=self.group)
        own = {"bot_id": BOT_ID, "ws_url": server.url, "ca_file": ca_file()}
        self._setup = Setup(
            name="wecom",
            settings=msgspec.convert({**section, **own}, WeComSettings),
            clock=clock,
            environment={"WECOM_BOT_SECRET": SECRET},
            store=MemoryStore(),
            tools=setup.tools,
            reasoning_allowed=setup.reasoning_allowed,
        )
        self._state = MemoryChannelState()
        self._stack = AsyncExitStack()
        self._last: Mapping[str, Any] = {}
        self.lab: Lab

    @property
    def gate(self) -> Gate:
        return self.server.gate

    async def open(self, *scripts: Script) -> None:
        def make(settings: PlatformSettings, context: PlatformContext) -> WeComPlatform:
            return WeComPlatform(cast("WeComSettings", settings), context)

        lab = channel_lab(make, self._state, self._setup, *scripts)
        self.lab = await self._stack.enter_async_context(lab)
        await self.server.connected.wait()

    async def close(self) -> None:
        await self._stack.aclose()

    async def restart(self, *scripts: Script) -> None:
        if self.gate.reached.is_set():
            self.server.abort()  # Otherwise, the SDK waits for a last word of the server.
        await self.close()
        self.gate.disarm()
        self.server.connected.clear()
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
        if is_bot:
            return  # WeCom pushes no messages of bots.
        where = self.group if group else None
        self._last = await self.writer.writes(sender, text, group=where, mention=mention)

    async def repeat_last(self) -> None:
        await self.writer.push(self._last)

    async def press_stop(self, sender: str) -> bool:
        return False

    def shown(self, chat: str) -> list[Shown]:
        return [
            Shown(*visible(message.content))
            for message in self.server.chats.messages
            if message.chat == chat
        ]

    def traffic(self) -> list[str]:
        return self.server.traffic

    def pings(self) -> list[str]:
        return [
            each for message in self.server.chats.messages for each in mentions(message.content)
        ]

    def fail_next(self, calls: int, status: int, retry_after: float | None = None) -> None:
        self.server.fail_next(calls, status)

    def people(self, count: int) -> Sequence[str]:
        return [f"person-{number}" for number in range(count)]

    async def changed(self) -> None:
        await self.server.changed()


@asynccontextmanager
async def wecom_driver(setup: DriverSetup, *scripts: Script) -> AsyncGenerator[WeComDriver]:
    clock = FastClock(50)
    async with FakeWeCom(lambda: clock.steady_ms() / 1000).serving() as server:
        driver = WeComDriver(setup, server, clock)
        await driver.open(*scripts)
        try:
            yield driver
        finally:
            await driver.close()
