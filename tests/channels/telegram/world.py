"""The Telegram channel on the layer, a real runtime and a scripted model, with people on the fake Bot API."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.channels.platform.clocks import SteppedClock
from tests.channels.platform.lab import Lab, Setup, channel_lab
from tests.channels.telegram.fake.chats import Bubble
from tests.channels.telegram.fake.people import People
from tests.channels.telegram.fake.server import TOKEN, FakeTelegram
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.telegram.client import TelegramPlatform
from thinkaloud.channels.telegram.settings import TelegramSettings
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.ports.store import Store
from thinkaloud.ports.tool import Tool
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore

EVERYBODY = TelegramSettings(allow_from=("*",), allow_groups=("*",))


class World:
    """What outlives a restart of the server: Telegram, the store, the state, and time."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self.step = 0.1
        """The seconds that pass while the sockets get a moment. Smaller, where exact rates matter."""
        self.server = FakeTelegram(self.clock.steady_ms)
        self.people = People(self.server)
        self.state: ChannelState = MemoryChannelState()
        self.store: Store = MemoryStore()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Let time pass until this is true; each step gives the sockets a moment, too."""
        for _ in range(6_000):
            if condition():
                return
            await asyncio.sleep(0.001)
            await self.clock.advance(self.step)
        texts = [bubble.visible for bubble in self.server.chats.bubbles]
        raise AssertionError(f"it did not happen; people see {texts}")

    async def seconds(self, seconds: float) -> None:
        """Let this time pass."""
        end = self.clock.steady_ms() + seconds * 1000
        await self.until(lambda: self.clock.steady_ms() >= end)

    async def answered(self, chat: int, count: int = 1) -> list[Bubble]:
        """Wait until a chat has so many finished messages, and return them."""

        def finished() -> list[Bubble]:
            return [
                bubble
                for bubble in self.server.seen(chat)
                if not any(action.startswith("stop:") for action in bubble.buttons)
            ]

        await self.until(lambda: len(finished()) >= count)
        return finished()


@asynccontextmanager
async def connected(
    world: World,
    *scripts: Script,
    settings: TelegramSettings = EVERYBODY,
    reasoning_allowed: bool = True,
    tools: Sequence[Tool] = (),
) -> AsyncGenerator[Lab]:
    """Run the channel within the block."""
    setup = Setup(
        name="telegram",
        settings=msgspec.structs.replace(settings, api_base=world.server.base),
        clock=world.clock,
        environment={"TELEGRAM_BOT_TOKEN": TOKEN},
        store=world.store,
        tools=tools,
        reasoning_allowed=reasoning_allowed,
    )

    def make(settings: PlatformSettings, context: PlatformContext) -> TelegramPlatform:
        assert isinstance(settings, TelegramSettings)
        return TelegramPlatform(settings, context)

    async with channel_lab(make, world.state, setup, *scripts) as lab:
        await world.until(lambda: lab.channel.status.condition == "running")
        yield lab


@asynccontextmanager
async def telegram() -> AsyncGenerator[World]:
    """Serve the fake Bot API within the block."""
    world = World()
    async with world.server.serving():
        yield world
