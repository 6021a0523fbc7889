"""The driver of Feishu for the contract suite: a real channel on the fake Feishu."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import msgspec

from tests.channels.feishu.fake.chats import Message
from tests.channels.feishu.fake.people import People
from tests.channels.feishu.fake.server import APP_ID, SECRET, FakeFeishu
from tests.channels.feishu.fake.visible import buttons, mentions_of, visible
from tests.channels.platform.clocks import FastClock
from tests.channels.platform.driver import DriverSetup, Shown
from tests.channels.platform.gate import Gate
from tests.channels.platform.lab import Lab, Setup, channel_lab
from thinkaloud.channels.feishu.client import FeishuPlatform
from thinkaloud.channels.feishu.settings import FeishuSettings
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore


class FeishuDriver:
    """Implements `Driver`."""

    live_thoughts = True
    folds = True
    edits = True
    private_replies = True
    ada = "ou_ada"
    stranger = "ou_eve"
    group = "oc_group"

    def __init__(self, setup: DriverSetup, server: FakeFeishu, clock: FastClock) -> None:
        self.server = server
        self.writer = People(server)
        section = setup.section(ada=self.ada, group=self.group)
        own = {"app_id": APP_ID, "domain": server.url}
        self._setup = Setup(
            name="feishu",
            settings=msgspec.convert({**section, **own}, FeishuSettings),
            clock=clock,
            environment={"FEISHU_APP_SECRET": SECRET},
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
        def make(settings: PlatformSettings, context: PlatformContext) -> FeishuPlatform:
            return FeishuPlatform(cast("FeishuSettings", settings), context)

        lab = channel_lab(make, self._state, self._setup, *scripts)
        self.lab = await self._stack.enter_async_context(lab)
        await self.server.sockets.connected.wait()

    async def close(self) -> None:
        await self._stack.aclose()

    async def restart(self, *scripts: Script) -> None:
        await self.close()
        self.gate.disarm()
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
        where = self.group if group else None
        self._last = await self.writer.writes(
            sender, text, group=where, mention=mention, is_bot=is_bot
        )

    async def repeat_last(self) -> None:
        await self.writer.push(self._last)

    async def press_stop(self, sender: str) -> bool:
        for message in reversed(self._messages(sender)):
            if "Stop" in buttons(self.card(message)):
                await self.writer.presses(sender, message, "Stop")
                return True
        return False

    def card(self, message: Message) -> Mapping[str, Any]:
        if message.card_id is None:
            return message.content
        return self.server.cards.entities[message.card_id].card

    def shown(self, chat: str) -> list[Shown]:
        found: list[Shown] = []
        for message in self._messages(chat):
            text, folded = visible(self.card(message))
            found.append(Shown(text, folded, message.notifies, message.reader))
        return found

    def traffic(self) -> list[str]:
        return self.server.traffic

    def pings(self) -> list[str]:
        sent = self.server.chats.messages.values()
        return [
            each
            for message in sent
            if message.kind == "interactive"
            for each in mentions_of(self.card(message))
        ]

    def fail_next(self, calls: int, status: int, retry_after: float | None = None) -> None:
        self.server.fail_next(calls, status, retry_after)

    def people(self, count: int) -> Sequence[str]:
        return [f"ou_person{number}" for number in range(count)]

    async def changed(self) -> None:
        await self.server.changed()

    def _messages(self, chat: str) -> list[Message]:
        chats = self.server.chats
        chat_id = chat if chat == self.group else chats.direct.get(chat, "")
        return chats.by_bot(chat_id)


@asynccontextmanager
async def feishu_driver(setup: DriverSetup, *scripts: Script) -> AsyncGenerator[FeishuDriver]:
    clock = FastClock(50)
    async with FakeFeishu(lambda: clock.steady_ms() / 1000).serving() as server:
        driver = FeishuDriver(setup, server, clock)
        await driver.open(*scripts)
        try:
            yield driver
        finally:
            await driver.close()
