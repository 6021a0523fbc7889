"""Opens the built-in chat platforms and their state."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from thinkaloud.app.chat_runs import PlatformRuns
from thinkaloud.app.runtime import Runtime
from thinkaloud.channels.platform.built_in import BUILT_IN, BuiltIn, load_platform
from thinkaloud.channels.platform.engine.channel import (
    ChannelServices,
    ChatChannel,
    OpenPlatform,
)
from thinkaloud.channels.platform.platform import Platform, PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.platform.status import ChannelStatus
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.stores.channel_state import MemoryChannelState, SqliteChannelState

_log = logging.getLogger(__name__)


class OpenPlatforms:
    """The chat platforms of a server."""

    def __init__(
        self,
        channels: Sequence[ChatChannel],
        state: ChannelState | None,
        failed: Sequence[ChannelStatus] = (),
    ) -> None:
        self.channels = tuple(channels)
        self.state = state
        """Their state; None if no platform runs."""
        self._failed = failed

    def statuses(self) -> Sequence[ChannelStatus]:
        """Return the state of every platform."""
        return [*self._failed, *(channel.status for channel in self.channels)]


@asynccontextmanager
async def open_platforms(
    runtime: Runtime, table: Mapping[str, BuiltIn] = BUILT_IN
) -> AsyncGenerator[OpenPlatforms]:
    """Open all enabled chat platforms until the block is left. Imports nothing for the others."""
    settings = runtime.configuration.settings.channels.platforms
    enabled = {name: each for name, each in settings.items() if each.enabled}
    if not enabled:
        yield OpenPlatforms((), None)
        return
    async with AsyncExitStack() as stack:
        try:
            state = await stack.enter_async_context(open_channel_state(runtime.configuration))
        except ConfigurationError as error:
            # The server works without chat platforms.
            _log.error("no chat platform is started: %s", error.message)
            now = runtime.clock.unix_ms()
            failed = [ChannelStatus(name, "failed", error.message, now) for name in enabled]
            yield OpenPlatforms((), None, failed)
            return
        channels = [
            ChatChannel(_services(runtime, name, each, state, table))
            for name, each in enabled.items()
        ]
        try:
            for channel in channels:
                await channel.start()
            yield OpenPlatforms(channels, state)
        finally:
            async with asyncio.TaskGroup() as tasks:  # One that hangs delays no other.
                for channel in channels:
                    tasks.create_task(channel.close())


@asynccontextmanager
async def open_channel_state(configuration: Configuration) -> AsyncGenerator[ChannelState]:
    """Open the state of the channels: `channels.db` in the data directory, or in PostgreSQL.

    Any number of processes may have it open, so that commands work while the server runs. With
    `store.kind = "memory"` nothing persists, and other processes see nothing. Raises
    `ConfigurationError` if the file cannot be used.
    """
    settings = configuration.settings.store
    if settings.kind == "memory":
        yield MemoryChannelState()
        return
    if settings.kind == "postgres":
        from thinkaloud.app.postgres import open_postgres_channel_state  # noqa: PLC0415 - an extra

        async with open_postgres_channel_state(configuration) as shared:
            yield shared
        return
    async with SqliteChannelState.open(
        channel_state_path(configuration),
        durability=settings.durability,
        busy_timeout=settings.busy_timeout_seconds,
    ) as state:
        yield state


def channel_state_path(configuration: Configuration) -> Path:
    """Return the path of the file with the channels' state."""
    return configuration.data_dir / "channels.db"


def channel_folder(configuration: Configuration, name: str) -> Path | None:
    """Return the folder for a platform's own files; None if nothing persists."""
    if configuration.settings.store.kind == "memory":
        return None
    return configuration.data_dir / "channels" / name


def _services(
    runtime: Runtime,
    name: str,
    settings: PlatformSettings,
    state: ChannelState,
    table: Mapping[str, BuiltIn],
) -> ChannelServices:
    configuration = runtime.configuration
    return ChannelServices(
        name=name,
        owner=settings.owner or runtime.owner,
        settings=settings,
        open_platform=opener(settings, table),
        runs=PlatformRuns(runtime, settings.reasoning),
        state=state,
        clock=runtime.clock,
        reasoning_allowed=configuration.settings.server.show_reasoning != "deny",
        environment=configuration.environment,
        folder=channel_folder(configuration, name),
    )


def opener(settings: PlatformSettings, table: Mapping[str, BuiltIn] = BUILT_IN) -> OpenPlatform:
    """Return a function that creates a platform. It imports the library in a thread."""

    async def open_platform(context: PlatformContext) -> Platform:
        make = await asyncio.to_thread(load_platform, context.name, table)
        return make(settings, context)

    return open_platform
