"""The channel manager: starts channels and routes outgoing items to the right chat."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager

from thinkaloud.channels.channel import BaseChannel
from thinkaloud.channels.message import Outbound, OutboundMessage, ThoughtDelta, ThoughtEnd
from thinkaloud.channels.outbox import Outbox
from thinkaloud.channels.plugin_metadata import read
from thinkaloud.errors import InternalError, NotFound
from thinkaloud.ports.tasks import owned_tasks

_log = logging.getLogger(__name__)


class ChannelManager:
    """Owns the channels and all of their tasks while it is open.

    Each chat has its own bounded queue and delivery task, so a slow chat delays no other (P14).
    """

    def __init__(
        self,
        channels: Iterable[BaseChannel] = (),
        *,
        reasoning_allowed: bool = True,
        drain_seconds: float = 5.0,
        close_seconds: float = 5.0,
        reasoning_seconds: float = 20.0,
    ) -> None:
        self._channels = {channel.name: channel for channel in channels}
        self._reasoning_allowed = reasoning_allowed
        self._drain_seconds = drain_seconds
        self._close_seconds = close_seconds
        self._reasoning_seconds = reasoning_seconds
        self._destinations: dict[tuple[str, str], Outbox] = {}
        self._deliveries: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._opened, self._closing = asyncio.Event(), asyncio.Event()

    @property
    def channels(self) -> Mapping[str, BaseChannel]:
        """The channels by name."""
        return self._channels

    def add(self, channel: BaseChannel) -> None:
        """Add a channel. Call before `open`."""
        self._channels[channel.name] = channel

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["ChannelManager"]:
        """Start all channels. On exit, deliver queued items and stop the channels.

        Delivering and stopping may each take `drain_seconds`. If a channel fails to start or stop,
        the error is logged and the others continue. Tasks that ignore their cancellation are
        abandoned after twice `close_seconds`.
        """
        serving = asyncio.create_task(self._serve())  # noqa: TID251 - see `_close`
        await self._opened.wait()
        try:
            yield self
        finally:
            await self._close(serving)

    def dispatch(self, message: Outbound) -> None:
        """Route a message. Never waits.

        Reasoning for a channel that does not show it, or does not exist, is dropped, never sent as
        text. For anything else, raises `NotFound` if the channel does not exist, and `Conflict` if
        the chat's queue is full.
        """
        items = read(message) if isinstance(message, OutboundMessage) else (message,)
        for item in items:
            channel = self._channels.get(item.channel)
            if isinstance(item, ThoughtDelta | ThoughtEnd) and not self._shows(channel):
                continue
            if channel is None:
                raise NotFound(f"There is no channel {item.channel!r}.")
            self._put(channel, item)

    async def room(self, channel: str, chat_id: str) -> None:
        """Wait until a chat's queue is short: backpressure for sources that can wait."""
        destination = self._destinations.get((channel, chat_id))
        if destination is not None:
            await destination.room()

    async def _serve(self) -> None:
        """Own the tasks of all channels until closing."""
        try:
            async with owned_tasks() as tasks:
                self._tasks = tasks
                listening = [
                    tasks.create_task(self._start(channel)) for channel in self._channels.values()
                ]
                self._opened.set()
                try:
                    await self._closing.wait()
                finally:
                    self._tasks = None
                    await self._drain(tasks)
                    await self._stop_all(tasks)
                    for task in listening:
                        task.cancel()
        finally:
            self._opened.set()

    async def _close(self, serving: asyncio.Task[None]) -> None:
        self._closing.set()
        try:
            seconds = 2 * self._drain_seconds + self._close_seconds
            await asyncio.wait({serving}, timeout=seconds)
        finally:
            serving.cancel()
        if not serving.done():
            await asyncio.wait({serving}, timeout=self._close_seconds)
        if not serving.done():
            _log.error("channels of plugins are abandoned: one of them ignores cancellation")
        elif not serving.cancelled():
            serving.result()

    def _shows(self, channel: BaseChannel | None) -> bool:
        return channel is not None and channel.settings.allows_reasoning and self._reasoning_allowed

    def _put(self, channel: BaseChannel, item: Outbound) -> None:
        if self._tasks is None:
            raise InternalError("The channels are not open.")
        key = (item.channel, item.chat_id)
        destination = self._destinations.get(key)
        if destination is None:
            destination = Outbox(channel, item.chat_id, self._reasoning_seconds)
            self._destinations[key] = destination
        destination.put(item)
        self._wake(key, destination, self._tasks)

    def _wake(self, key: tuple[str, str], destination: Outbox, tasks: asyncio.TaskGroup) -> None:
        if not destination.delivering:
            destination.delivering = True
            self._deliveries[key] = tasks.create_task(self._deliver(key, destination))

    async def _deliver(self, key: tuple[str, str], destination: Outbox) -> None:
        try:
            await destination.deliver()
        finally:
            self._deliveries.pop(key, None)
        if destination.is_idle:
            self._destinations.pop(key, None)

    async def _start(self, channel: BaseChannel) -> None:
        try:
            await channel.start()
        except Exception:  # noqa: BLE001 - a plugin may raise anything; the others continue
            _log.exception("channel %s did not start", channel.name)

    async def _stop_all(self, tasks: asyncio.TaskGroup) -> None:
        """Stop all channels concurrently, and cancel those that hang."""
        stopping = {tasks.create_task(_stop(each)): each for each in self._channels.values()}
        if stopping:
            _, late = await asyncio.wait(stopping, timeout=self._drain_seconds)
            for task in late:
                _log.error("channel %s did not stop in time", stopping[task].name)
                task.cancel()

    async def _drain(self, tasks: asyncio.TaskGroup) -> None:
        for key, destination in list(self._destinations.items()):
            destination.cut()
            self._wake(key, destination, tasks)
        deliveries = list(self._deliveries.values())
        if deliveries:
            _, late = await asyncio.wait(deliveries, timeout=self._drain_seconds)
            for task in late:
                task.cancel()


async def _stop(channel: BaseChannel) -> None:
    try:
        await channel.stop()
    except Exception:  # noqa: BLE001 - a plugin may raise anything; stop the others
        _log.exception("channel %s failed to stop cleanly", channel.name)
