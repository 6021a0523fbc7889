"""A channel on a real runtime with a scripted model, shared by the tests of all platforms."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from thinkaloud.app.chat_runs import PlatformRuns
from thinkaloud.app.runtime import Choices, Runtime, open_runtime
from thinkaloud.channels.platform.engine.channel import ChannelServices, ChatChannel
from thinkaloud.channels.platform.platform import Platform, PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.config import Configuration, Settings
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.ports.clock import Clock, SystemClock
from thinkaloud.ports.store import Store
from thinkaloud.ports.tool import Tool
from thinkaloud.ports.uploads import Uploads
from thinkaloud.providers.scripted import Script, ScriptedModel

Make = Callable[[PlatformSettings, PlatformContext], Platform]


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a test decides about its channel."""

    name: str = "scripted"
    settings: PlatformSettings = PlatformSettings(allow_from=("*",))
    configured: Settings = Settings()
    clock: Clock = msgspec.field(default_factory=SystemClock)
    """The clock of the channel; runs have the system's."""
    environment: dict[str, str] = {}
    folder: Path | None = None
    store: Store | None = None
    uploads: Uploads | None = None
    tools: Sequence[Tool] = ()
    reasoning_allowed: bool = True
    """The policy of the server."""
    drain_seconds: float = 0.05
    close_seconds: float = 10.0


class Lab(msgspec.Struct, frozen=True):
    """An open channel."""

    channel: ChatChannel
    runtime: Runtime
    model: ScriptedModel
    state: ChannelState
    clock: Clock


@asynccontextmanager
async def channel_lab(
    make: Make, state: ChannelState, setup: Setup, *scripts: Script
) -> AsyncGenerator[Lab]:
    """Open a channel on a model that plays these scripts."""
    model = ScriptedModel(*scripts)
    configuration = Configuration(setup.configured, None, Path("unused"), setup.environment)
    choices = Choices(model=model, tools=setup.tools, store=setup.store, uploads=setup.uploads)

    async def open_platform(context: PlatformContext) -> Platform:
        return make(setup.settings, context)

    async with open_runtime(configuration, choices) as runtime:
        services = ChannelServices(
            name=setup.name,
            owner=setup.settings.owner or runtime.owner,
            settings=setup.settings,
            open_platform=open_platform,
            runs=PlatformRuns(runtime, setup.settings.reasoning),
            state=state,
            clock=setup.clock,
            reasoning_allowed=setup.reasoning_allowed,
            environment=setup.environment,
            folder=setup.folder,
            drain_seconds=setup.drain_seconds,
            close_seconds=setup.close_seconds,
        )
        async with ChatChannel(services).open() as channel:
            yield Lab(channel, runtime, model, state, setup.clock)
