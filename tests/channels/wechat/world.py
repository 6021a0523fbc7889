"""The WeChat channel on the layer, a real runtime and a scripted model, with people on the fake iLink API."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.channels.platform.clocks import SteppedClock
from tests.channels.platform.lab import Lab, Setup, channel_lab
from tests.channels.wechat.fake.server import TOKEN, FakeWeChat
from thinkaloud.channels.platform.engine.channel import ChannelStorage
from thinkaloud.channels.platform.engine.connection import LatePace
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.wechat.client import WeChatPlatform
from thinkaloud.channels.wechat.settings import WeChatSettings
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.ports.store import Store
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.uploads import MemoryUploads

ADA = "ada@im.wechat"
EVE = "eve@im.wechat"


class World:
    """What outlives a restart of the server: WeChat, the store, the state, and time."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self.server = FakeWeChat(self.clock.steady_ms)
        self.people = self.server.people
        self.state: ChannelState = MemoryChannelState()
        self.store: Store = MemoryStore()
        self.uploads = MemoryUploads(self.clock)
        self.settings = WeChatSettings(allow_from=(ADA,), token_env="WECHAT_TOKEN")
        self.environment = {"WECHAT_TOKEN": TOKEN}

    async def until(self, condition: Callable[[], Any], *, step: float = 0.1) -> None:
        """Let time pass until this is true; each step gives the sockets a moment, too."""
        for _ in range(6_000):
            if condition():
                return
            await asyncio.sleep(0.001)
            await self.clock.advance(step)
        raise AssertionError(f"it did not happen; people see {self.people.bubbles}")

    async def during(self, work: Coroutine[None, None, None]) -> None:
        """Do something while time passes."""
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(work)
            await self.until(task.done, step=1)

    async def seconds(self, seconds: float) -> None:
        """Let this time pass."""
        end = self.clock.steady_ms() + seconds * 1000
        await self.until(lambda: self.clock.steady_ms() >= end)

    async def sees(self, count: int, user: str = ADA) -> list[str]:
        """Wait until a person sees so many messages, and return their texts."""
        await self.until(lambda: len(self.people.seen(user)) >= count)
        return self.texts(user)

    def texts(self, user: str = ADA) -> list[str]:
        return [bubble.text for bubble in self.people.seen(user)]

    def platform(self, folder: Path | None = None, **settings: Any) -> WeChatPlatform:
        """Return a platform without the layer, as `thinkaloud channels` opens it."""
        changes = {"api_base": self.server.base, "cdn_base": f"{self.server.base}/c2c"} | settings
        context = PlatformContext(
            name="wechat",
            environment=self.environment,
            clock=self.clock,
            pace=LatePace(),
            storage=ChannelStorage("wechat", self.state),
            folder=folder,
        )
        return WeChatPlatform(msgspec.structs.replace(self.settings, **changes), context)


@asynccontextmanager
async def opened(
    world: World, *scripts: Script, folder: Path | None = None, **settings: Any
) -> AsyncGenerator[Lab]:
    """Run the channel within the block, without waiting for its connection."""
    changes = {"api_base": world.server.base, "cdn_base": f"{world.server.base}/c2c"} | settings
    setup = Setup(
        name="wechat",
        settings=msgspec.structs.replace(world.settings, **changes),
        clock=world.clock,
        environment=world.environment,
        store=world.store,
        uploads=world.uploads,
        folder=folder,
    )

    def make(settings: PlatformSettings, context: PlatformContext) -> WeChatPlatform:
        assert isinstance(settings, WeChatSettings)
        return WeChatPlatform(settings, context)

    async with channel_lab(make, world.state, setup, *scripts) as lab:
        yield lab


@asynccontextmanager
async def connected(world: World, *scripts: Script, **settings: Any) -> AsyncGenerator[Lab]:
    """Run the channel within the block."""
    async with opened(world, *scripts, **settings) as lab:
        await world.until(lambda: lab.channel.status.condition == "running")
        yield lab


@asynccontextmanager
async def wechat() -> AsyncGenerator[World]:
    """Serve the fake iLink API within the block."""
    world = World()
    async with world.server.serving():
        yield world
