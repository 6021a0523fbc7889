"""The answers on their way: persisted before the run starts, and until a chat shows the final."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from thinkaloud.channels.platform.content import ChatContent, chat_content
from thinkaloud.channels.platform.engine.chats import Chats
from thinkaloud.channels.platform.engine.connection import Connection
from thinkaloud.channels.platform.engine.delivery import Delivery, DeliveryRecord
from thinkaloud.channels.platform.engine.leftovers import Leftovers, LeftoverServices
from thinkaloud.channels.platform.engine.presenting import (
    MakeContent,
    Presenting,
    PresentingContext,
)
from thinkaloud.channels.platform.engine.replies import Replies
from thinkaloud.channels.platform.engine.runs import ChatRuns, RunOrder
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.channels.platform.settings import ThinkingMode
from thinkaloud.errors import NotFound, StoreError, ThinkaloudError, Unavailable
from thinkaloud.events.view import RunView
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tasks import owned_tasks

_MAX_BACKOFF_SECONDS: Final = 60.0
_log = logging.getLogger(__name__)


class DeliveryServices(msgspec.Struct, frozen=True):
    """The dependencies of `Deliveries`."""

    channel: str
    runs: ChatRuns
    state: ChannelState
    chats: Chats
    connection: Connection
    replies: Replies
    clock: Clock
    reasoning_allowed: bool
    """Whether the channel's and the server's policies allow reasoning."""
    answer_messages: int
    """See `PlatformSettings.answer_messages`."""
    drain_seconds: float = 5.0


class Deliveries:
    """Starts the runs of one channel and shows them. The runs of one chat are shown in order."""

    def __init__(self, services: DeliveryServices) -> None:
        self._services = services
        self._leftovers = Leftovers(
            LeftoverServices(
                channel=services.channel,
                state=services.state,
                clock=services.clock,
                replies=services.replies,
                start=self._start,
                show=self._enqueue,
            )
        )
        self._last: dict[ChatAddress, asyncio.Task[None]] = {}
        self._active: dict[ChatAddress, list[Delivery]] = {}
        self._showing: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Own the tasks until the block is left, and continue with what an earlier process left.

        On exit, unfinished deliveries get `drain_seconds`; the rest stays stored.
        """
        trying: asyncio.Task[None] | None = None
        async with owned_tasks() as tasks:
            self._tasks = tasks
            try:
                if await self._leftovers.take_up():
                    trying = tasks.create_task(self._leftovers.keep_trying())
                yield
            finally:
                self._tasks = None
                if trying is not None:
                    trying.cancel()
                await self._finish()

    def of(self, chat: ChatAddress) -> Sequence[Delivery]:
        """Return the deliveries of a chat, in the order in which it shows them."""
        return tuple(self._active.get(chat, ()))

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The tasks of the answers on their way."""
        return frozenset(self._showing)

    @property
    def pending(self) -> int:
        """How many answers are on their way."""
        return sum(len(each) for each in self._active.values())

    async def begin(self, order: RunOrder, chat: ChatAddress, origin: Origin) -> None:
        """Start a run for a message and show it, unless the message was received before.

        Returns when a crash can no longer lose it. Raises `ThinkaloudError` if the run is refused.
        """
        services = self._services
        record = DeliveryRecord(chat, origin, order, services.clock.unix_ms())
        delivery = Delivery(services.channel, record, services.state)
        if await services.runs.started(order.owner, order.key) is not None:
            return
        if not await self._leftovers.accept(delivery):
            return
        try:
            await self._start(delivery)
        except ThinkaloudError:
            await delivery.forget()
            raise

    async def _start(self, delivery: Delivery) -> None:
        if self._tasks is None:
            raise Unavailable("The server is shutting down.")
        run_id = await self._services.runs.start(delivery.record.order)
        await delivery.started(run_id)
        self._enqueue(delivery)

    def _enqueue(self, delivery: Delivery) -> None:
        if self._tasks is None:
            return  # It is stored, and shown after the restart.
        chat = delivery.chat
        earlier = self._last.get(chat)
        self._active.setdefault(chat, []).append(delivery)
        task = self._tasks.create_task(self._deliver(delivery, earlier))
        self._last[chat] = task
        self._showing.add(task)
        task.add_done_callback(self._showing.discard)

    async def _deliver(self, delivery: Delivery, earlier: asyncio.Task[None] | None) -> None:
        chat = delivery.chat
        try:
            if earlier is not None:
                await asyncio.wait([earlier])
            if await self._show_to_the_end(delivery):
                await delivery.forget()
        except StoreError as error:
            _log.error("channel %s: %s", chat.channel, error.message)
        except Exception:  # noqa: BLE001 - must not affect other chats
            _log.exception("channel %s: a delivery failed", chat.channel)
        finally:
            self._active[chat].remove(delivery)
            if not self._active[chat]:
                del self._active[chat]
            if self._last.get(chat) is asyncio.current_task():
                del self._last[chat]

    async def _show_to_the_end(self, delivery: Delivery) -> bool:
        """Show an answer, again and again while the store fails. False: the server shuts down."""
        seconds = 1.0
        while True:
            try:
                if await self._show(delivery):
                    return True
            except StoreError as error:
                _log.warning("channel %s: %s", delivery.chat.channel, error.message)
            if self._tasks is None:
                return False
            await self._services.clock.sleep(seconds)
            seconds = min(_MAX_BACKOFF_SECONDS, seconds * 2)

    async def _show(self, delivery: Delivery) -> bool:
        services, run_id = self._services, delivery.record.run_id
        assert run_id is not None
        await services.connection.ready()
        try:
            async with services.runs.follow(delivery.record.order.owner, run_id) as feed:
                context = PresentingContext(
                    services.connection, services.clock, services.answer_messages
                )
                showing = Presenting(delivery, feed, context)
                return await showing.present(_content_of(services, delivery))
        except NotFound:
            return True  # The conversation was deleted.

    async def _finish(self) -> None:
        tasks = set(self._showing)
        if tasks:
            connected = self._services.connection.platform is not None
            seconds = self._services.drain_seconds if connected else 0
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()


def _content_of(services: DeliveryServices, delivery: Delivery) -> MakeContent:
    mode: ThinkingMode = "off"  # Until it is known.

    async def content(view: RunView) -> ChatContent:
        nonlocal mode
        origin = delivery.record.origin
        try:
            mode = await services.chats.mode(delivery.chat, is_group=origin.is_group)
        except StoreError as error:
            _log.warning("channel %s: %s", services.channel, error.message)
        return chat_content(view, mode if services.reasoning_allowed else "off", origin)

    return content
