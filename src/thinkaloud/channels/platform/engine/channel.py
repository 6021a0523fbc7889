"""One channel: its platform, restarted with a backoff, and everything that belongs to it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from thinkaloud.channels.platform.built_in import MissingExtra
from thinkaloud.channels.platform.engine.access import Access
from thinkaloud.channels.platform.engine.chats import Chats
from thinkaloud.channels.platform.engine.commands import Commands
from thinkaloud.channels.platform.engine.connection import Connection
from thinkaloud.channels.platform.engine.deliveries import Deliveries, DeliveryServices
from thinkaloud.channels.platform.engine.inbox import ChannelInbox, InboxServices
from thinkaloud.channels.platform.engine.replies import Replies
from thinkaloud.channels.platform.engine.runs import ChatRuns
from thinkaloud.channels.platform.errors import Misconfigured, PlatformError
from thinkaloud.channels.platform.pairing import Pairings
from thinkaloud.channels.platform.platform import Platform, PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.platform.status import ChannelCondition, ChannelStatus
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tasks import is_cancelled, owned_tasks

OpenPlatform = Callable[[PlatformContext], Awaitable[Platform]]
"""Imports the library and creates the platform. Raises `MissingExtra` or `Misconfigured`."""

_SLOW_MS: Final = 60_000
_MAX_BACKOFF_SECONDS: Final = 60.0
_MISCONFIGURED_SECONDS: Final = 300.0
_log = logging.getLogger(__name__)


class ChannelServices(msgspec.Struct, frozen=True):
    """The dependencies of `ChatChannel`."""

    name: str
    owner: str
    settings: PlatformSettings
    open_platform: OpenPlatform
    runs: ChatRuns
    state: ChannelState
    clock: Clock
    reasoning_allowed: bool
    """Whether the server's policy allows reasoning; the channel's own is in the settings."""
    environment: Mapping[str, str] = {}
    folder: Path | None = None
    drain_seconds: float = 5.0
    """How long unfinished answers are still sent when the channel closes."""
    close_seconds: float = 5.0
    """How long the rest of closing may take before it is cancelled, and after that."""


class ChannelStorage:
    """The own values of one channel. Implements `Storage`."""

    def __init__(self, channel: str, state: ChannelState) -> None:
        self._channel = channel
        self._state = state

    async def get(self, key: str) -> bytes | None:
        """Return a value."""
        return await self._state.get(self._channel, "own", key)

    async def put(self, key: str, value: bytes) -> None:
        """Store a value, replacing the previous one."""
        await self._state.put(self._channel, "own", key, value)

    async def delete(self, key: str) -> bool:
        """Delete a value. Returns whether there was one."""
        return await self._state.take(self._channel, "own", key) is not None


class ChatChannel:
    """A chat platform that is connected to the runs."""

    def __init__(self, services: ChannelServices) -> None:
        self._services = services
        self.name = services.name
        settings, state = services.settings, services.state
        pairings = Pairings(state, services.clock)
        allowed = services.reasoning_allowed and settings.allows_reasoning
        self._connection = Connection(services.clock)
        self._replies = Replies(services.name, self._connection, services.clock)
        chats = Chats(services.name, settings, state)
        self._deliveries = Deliveries(
            DeliveryServices(
                channel=services.name,
                runs=services.runs,
                state=state,
                chats=chats,
                connection=self._connection,
                replies=self._replies,
                clock=services.clock,
                reasoning_allowed=allowed,
                answer_messages=settings.answer_messages,
                drain_seconds=services.drain_seconds,
            )
        )
        commands = Commands(
            settings, services.runs, chats, self._deliveries, reasoning_allowed=allowed
        )
        self._inbox = ChannelInbox(
            InboxServices(
                channel=services.name,
                owner=services.owner,
                settings=settings,
                runs=services.runs,
                state=state,
                access=Access(services.name, settings, pairings),
                pairings=pairings,
                chats=chats,
                commands=commands,
                deliveries=self._deliveries,
                replies=self._replies,
            )
        )
        self._condition: ChannelCondition = "starting"
        self._detail = "It is connecting."
        self._since_ms = services.clock.unix_ms()
        self._restarts = 0
        self._opened, self._closing = asyncio.Event(), asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    @property
    def inbox(self) -> ChannelInbox:
        """Where the platform delivers what it receives."""
        return self._inbox

    async def quiet(self) -> None:
        """Wait until no answer and no reply is on its way."""
        while busy := {*self._deliveries.tasks, *self._replies.tasks}:
            await asyncio.wait(busy)

    @property
    def status(self) -> ChannelStatus:
        """The state of the channel."""
        condition, detail = self._condition, self._detail
        slow = self._services.clock.unix_ms() - self._since_ms > _SLOW_MS
        if condition == "starting" and slow:
            condition, detail = "retrying", "It has not connected for more than a minute."
        pending = self._deliveries.pending
        return ChannelStatus(self.name, condition, detail, self._since_ms, self._restarts, pending)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["ChatChannel"]:
        """Run the channel until the block is left. A failure of the platform is not raised."""
        try:
            await self.start()
            yield self
        finally:
            await self.close()

    async def start(self) -> None:
        """Start the channel, once. Continues with the answers of an earlier process."""
        self._serving = asyncio.create_task(self._serve())  # noqa: TID251 - see `close`
        await self._opened.wait()

    async def close(self) -> None:
        """Close the channel within `drain_seconds` and twice `close_seconds`, whatever its library does.

        Tasks that ignore their cancellation are abandoned.
        """
        services, serving = self._services, self._serving
        self._closing.set()
        if serving is None:
            return
        try:
            seconds = services.drain_seconds + services.close_seconds
            await asyncio.wait({serving}, timeout=seconds)
        finally:
            serving.cancel()
        if serving.done():
            return
        _log.warning("channel %s does not close in time and is cancelled", self.name)
        await asyncio.wait({serving}, timeout=services.close_seconds)
        if not serving.done():
            _log.error("channel %s is abandoned: its library ignores cancellation", self.name)

    async def _serve(self) -> None:
        try:
            async with owned_tasks() as tasks:
                running = tasks.create_task(self._keep_running())
                try:
                    async with self._replies.open(), self._deliveries.open():
                        self._opened.set()
                        await self._closing.wait()
                finally:
                    running.cancel()
        except Exception:  # noqa: BLE001 - a bug must not affect the server
            _log.exception("channel %s has ended", self.name)
            self._set("failed", "It ended after an internal error; the log has the details.")
        finally:
            self._opened.set()

    async def _keep_running(self) -> None:
        attempt = 0
        while True:
            started_ms = self._services.clock.steady_ms()
            delay = await self._run_once(attempt)
            if delay is None or self._closing.is_set():
                return  # A library may have swallowed the cancellation.
            lasted_ms = self._services.clock.steady_ms() - started_ms
            attempt = 0 if lasted_ms > _SLOW_MS else attempt + 1
            self._restarts += 1
            await self._services.clock.sleep(delay)

    async def _run_once(self, attempt: int) -> float | None:
        """Run a platform once. Returns the delay in seconds before the next; None: never again."""
        backoff = min(_MAX_BACKOFF_SECONDS, 2.0 ** min(attempt, 10))
        try:
            platform = await self._services.open_platform(self._context())
            await self._run(platform)
        except (MissingExtra, ConfigurationError) as error:
            self._set("failed", error.message)
            return None
        except Misconfigured as error:
            self._set("failed", error.message)
            return _MISCONFIGURED_SECONDS
        except PlatformError as error:
            self._set("retrying", error.message)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            self._set("retrying", "The connection was cancelled; it is made again.")
        except Exception as error:  # noqa: BLE001 - must not affect other channels
            # The message may have a token, so only its type is reported.
            self._set("retrying", f"{type(error).__name__}; the connection is made again.")
        else:
            self._set("retrying", "The connection ended; it is made again.")
        return backoff

    async def _run(self, platform: Platform) -> None:
        self._connection.set_pace(platform.limits)

        def ready() -> None:
            self._set("running", "")
            self._connection.connect(platform)

        try:
            await platform.run(self._inbox, ready)
        finally:
            self._connection.disconnect()
            await self._close(platform)

    async def _close(self, platform: Platform) -> None:
        try:
            async with asyncio.timeout(self._services.close_seconds):
                await platform.close()
        except Exception as error:  # noqa: BLE001 - a platform's library may raise anything
            _log.warning("channel %s does not close: %s", self.name, type(error).__name__)

    def _context(self) -> PlatformContext:
        services = self._services
        return PlatformContext(
            name=self.name,
            environment=services.environment,
            clock=services.clock,
            pace=self._connection.pace,
            storage=ChannelStorage(self.name, services.state),
            folder=services.folder,
        )

    def _set(self, condition: ChannelCondition, detail: str) -> None:
        if condition != self._condition or detail != self._detail:
            self._since_ms = self._services.clock.unix_ms()
            level = logging.INFO if condition == "running" else logging.WARNING
            _log.log(level, "channel %s: %s", self.name, detail or condition)
        self._condition, self._detail = condition, detail
