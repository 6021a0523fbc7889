"""The answers on their way: persisted before the run starts, and until a chat shows the final."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import msgspec

from thinkaloud.channels.platform.content import ChatContent, chat_content
from thinkaloud.channels.platform.engine.chats import Chats
from thinkaloud.channels.platform.engine.connection import Connection
from thinkaloud.channels.platform.engine.pacer import Pacer
from thinkaloud.channels.platform.engine.presenting import (
    MakeContent,
    Place,
    Presenting,
    Stage,
)
from thinkaloud.channels.platform.engine.runs import ChatRuns, RunOrder
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.channels.platform.settings import ThinkingMode
from thinkaloud.channels.platform.stored import decoded
from thinkaloud.errors import NotFound, StoreError, ThinkaloudError, Unavailable
from thinkaloud.events.view import RunView
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tasks import owned_tasks

S = TypeVar("S", bound=msgspec.Struct)
_MAX_BACKOFF_SECONDS: Final = 60.0
_KEEP_MS: Final = 3 * 24 * 3600 * 1000
_NOTHING: Final = msgspec.Raw(b"null")
_log = logging.getLogger(__name__)


class DeliveryRecord(msgspec.Struct, frozen=True):
    """An answer on its way, as it is stored."""

    chat: ChatAddress
    origin: Origin
    order: RunOrder
    created_at_ms: int
    run_id: str | None = None
    """None until the run has started."""
    sent: msgspec.Raw = _NOTHING
    """The platform's own record: see `Sent`."""


class Delivery:
    """One answer on its way. Implements `Sent` for the platform."""

    def __init__(self, channel: str, record: DeliveryRecord, state: ChannelState) -> None:
        self.record = record
        self.key = delivery_key(record.chat, record.origin.message_id)
        self._channel = channel
        self._state = state

    @property
    def chat(self) -> ChatAddress:
        """Where the answer is shown."""
        return self.record.chat

    def load(self, kind: type[S]) -> S | None:
        """Return the platform's record; None if there is none of this format."""
        try:
            return msgspec.json.decode(self.record.sent, type=kind | None)
        except msgspec.DecodeError:
            return None

    async def save(self, record: msgspec.Struct) -> None:
        """Persist the platform's record. If that fails, it is kept in memory at least."""
        sent = msgspec.Raw(msgspec.json.encode(record))
        self.record = msgspec.structs.replace(self.record, sent=sent)
        try:
            await self._store()
        except StoreError as error:
            _log.warning("channel %s: cannot save what was sent: %s", self._channel, error.message)

    async def accept(self) -> bool:
        """Persist the message. Returns False if the same message is already on its way."""
        value = msgspec.json.encode(self.record)
        return await self._state.add(self._channel, "delivery", self.key, value)

    async def started(self, run_id: str) -> None:
        """Persist that the run has started. From now on, only the conversation has the text.

        If that fails, it is kept in memory, and the key finds the run again after a restart.
        """
        order = msgspec.structs.replace(self.record.order, text="", context={}, system_prompt=None)
        self.record = msgspec.structs.replace(self.record, run_id=run_id, order=order)
        try:
            await self._store()
        except StoreError as error:
            _log.warning(
                "channel %s: cannot save that a run started: %s", self._channel, error.message
            )

    async def forget(self) -> None:
        """Delete it: the chat shows everything, or never will."""
        await self._state.take(self._channel, "delivery", self.key)

    async def _store(self) -> None:
        value = msgspec.json.encode(self.record)
        await self._state.put(self._channel, "delivery", self.key, value)


class DeliveryServices(msgspec.Struct, frozen=True):
    """The dependencies of `Deliveries`."""

    channel: str
    runs: ChatRuns
    state: ChannelState
    chats: Chats
    connection: Connection
    clock: Clock
    reasoning_allowed: bool
    """Whether the channel's and the server's policies allow reasoning."""
    drain_seconds: float = 5.0


class Deliveries:
    """Starts the runs of one channel and shows them. The runs of one chat are shown in order."""

    def __init__(self, services: DeliveryServices) -> None:
        self._services = services
        self._pacer: Pacer | None = None
        self._last: dict[ChatAddress, asyncio.Task[None]] = {}
        self._active: dict[ChatAddress, list[Delivery]] = {}
        self._showing: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Own the tasks until the block is left, and continue with what an earlier process left.

        On exit, unfinished deliveries get `drain_seconds`; the rest stays stored.
        """
        async with owned_tasks() as tasks:
            self._tasks = tasks
            try:
                await self._restore()
                yield
            finally:
                self._tasks = None
                await self._finish()

    def pace(self, pacer: Pacer) -> None:
        """Use this pacer from now on."""
        self._pacer = pacer

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
        if not await delivery.accept():
            return
        await self._start(delivery)

    async def _start(self, delivery: Delivery) -> None:
        if self._tasks is None:
            raise Unavailable("The server is shutting down.")
        try:
            run_id = await self._services.runs.start(delivery.record.order)
        except ThinkaloudError:
            await delivery.forget()
            raise
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

    async def _restore(self) -> None:
        services = self._services
        oldest = services.clock.unix_ms() - _KEEP_MS
        try:
            entries = await services.state.entries("delivery", services.channel)
        except StoreError as error:
            _log.error(
                "channel %s: answers on their way wait for the next start: %s",
                services.channel,
                error.message,
            )
            return
        for entry in entries:
            record = decoded(entry.value, DeliveryRecord)
            if record is None:
                await services.state.take(entry.channel, "delivery", entry.key)
                continue
            delivery = Delivery(services.channel, record, services.state)
            if record.created_at_ms < oldest:
                _log.warning("channel %s: an old delivery is dropped", services.channel)
                await delivery.forget()
            elif record.run_id is None:
                await self._restart(delivery)
            else:
                self._enqueue(delivery)

    async def _restart(self, delivery: Delivery) -> None:
        """Start the run of a message that was accepted just before a crash."""
        try:
            await self._start(delivery)
        except ThinkaloudError as error:
            _log.warning("channel %s: a message is lost: %s", delivery.chat.channel, error.message)

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
        if self._pacer is None:
            return False
        try:
            async with services.runs.follow(delivery.record.order.owner, run_id) as feed:
                stage = Stage(services.connection, self._pacer, services.clock)
                place = Place(delivery.chat, delivery.record.origin, delivery)
                showing = Presenting(place, feed, stage)
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


def delivery_key(chat: ChatAddress, message_id: str) -> str:
    """Return the key of the answer to a message, whatever the ids contain."""
    name = msgspec.json.encode((chat.channel, chat.chat_id, chat.thread_id, message_id))
    return hashlib.sha256(name).hexdigest()[:40]
