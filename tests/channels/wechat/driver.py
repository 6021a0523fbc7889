"""The driver of WeChat for the channel contract suite."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec

from tests.channels.platform.clocks import FastClock
from tests.channels.platform.driver import DriverSetup, Shown
from tests.channels.platform.gate import Gate
from tests.channels.platform.lab import Lab, Setup, channel_lab
from tests.channels.wechat.fake.server import TOKEN, FakeWeChat, Fault
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.wechat.client import WeChatPlatform
from thinkaloud.channels.wechat.settings import WeChatSettings
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore

ASKS_FOR_A_WORD = "send “more” for the rest"


class WeChatDriver:
    """Implements `Driver`. People who are asked to write for the rest do so."""

    live_thoughts = False
    folds = False
    edits = False
    private_replies = True
    ada = "ada@im.wechat"
    stranger = "eve@im.wechat"
    group = "everyone@chatroom"
    lab: Lab

    def __init__(self, server: FakeWeChat, clock: FastClock, setup: DriverSetup) -> None:
        self._server = server
        self._last: dict[str, Any] = {}
        self._asked = 0
        section = setup.section(ada=self.ada, group=self.group)
        own = {"api_base": server.base, "token_env": "WECHAT_TOKEN"}
        self._setup = Setup(
            name="wechat",
            settings=msgspec.convert(section | own, WeChatSettings),
            clock=clock,
            environment={"WECHAT_TOKEN": TOKEN},
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
        def make(settings: PlatformSettings, context: PlatformContext) -> WeChatPlatform:
            assert isinstance(settings, WeChatSettings)
            return WeChatPlatform(settings, context)

        lab = channel_lab(make, self._state, self._setup, *scripts)
        self.lab = await self._stack.enter_async_context(lab)
        await self._server.asked.wait()

    async def close(self) -> None:
        await self._stack.aclose()

    async def restart(self, *scripts: Script) -> None:
        await self.close()
        self.gate.disarm()
        self._server.asked.clear()
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
        fields = {"group_id": self.group} if group else {}
        self._last = self._server.people.says(text, user=sender, is_bot=is_bot, **fields)

    async def repeat_last(self) -> None:
        self._server.people.repeats(self._last)

    async def press_stop(self, sender: str) -> bool:
        return False

    def shown(self, chat: str) -> list[Shown]:
        people = self._server.people
        shown = [Shown(bubble.text) for bubble in people.seen(chat)]
        typing = [status for user, status in people.typing if user == chat]
        return [*shown, Shown("typing…", notifies=False)] if typing[-1:] == [1] else shown

    def traffic(self) -> list[str]:
        return self._server.traffic

    def pings(self) -> list[str]:
        return []

    def fail_next(self, calls: int, status: int, retry_after: float | None = None) -> None:
        if status == 429:
            self._server.faults += [Fault(code=-2) for _ in range(calls)]
        else:
            self._server.faults += [Fault(status=status, html=status == 502) for _ in range(calls)]

    def people(self, count: int) -> Sequence[str]:
        return [f"person-{number}@im.wechat" for number in range(count)]

    async def changed(self) -> None:
        self._answer_notices()
        async with self._server.changed:
            await self._server.changed.wait()

    def _answer_notices(self) -> None:
        bubbles = self._server.people.bubbles
        new, self._asked = bubbles[self._asked :], len(bubbles)
        for bubble in new:
            if ASKS_FOR_A_WORD in bubble.text:
                self._server.people.says("more", user=bubble.reader)


@asynccontextmanager
async def wechat_driver(setup: DriverSetup, *scripts: Script) -> AsyncGenerator[WeChatDriver]:
    clock = FastClock(20)
    server = FakeWeChat(clock.steady_ms)
    async with server.serving():
        driver = WeChatDriver(server, clock, setup)
        async with asyncio.timeout(30):
            await driver.open(*scripts)
        try:
            yield driver
        finally:
            await driver.close()
