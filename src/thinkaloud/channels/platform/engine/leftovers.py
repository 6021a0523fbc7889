"""What an earlier process left: answers on their way, and messages whose runs never started."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from thinkaloud.channels.markdown.plain import escaped
from thinkaloud.channels.platform.content import one_line
from thinkaloud.channels.platform.engine.delivery import Delivery, DeliveryRecord
from thinkaloud.channels.platform.engine.replies import Replies, Reply, explained
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.stored import decoded
from thinkaloud.errors import Conflict, StoreError, ThinkaloudError, Unavailable
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.ports.clock import Clock

_KEEP_MS: Final = 3 * 24 * 3600 * 1000
_GIVE_UP_MS: Final = 15 * 60 * 1000
"""How long starting a run is retried."""
_MAX_BACKOFF_SECONDS: Final = 60.0
_QUOTED_CHARS: Final = 80
_PASSING: Final = (Unavailable, Conflict, StoreError)
"""The refusals that may pass: too many runs, a run in the same conversation, a locked database."""
_log = logging.getLogger(__name__)


class LeftoverServices(msgspec.Struct, frozen=True):
    """The dependencies of `Leftovers`."""

    channel: str
    state: ChannelState
    clock: Clock
    replies: Replies
    start: Callable[[Delivery], Awaitable[None]]
    """Starts the run of a message and shows it. Raises `ThinkaloudError`."""
    show: Callable[[Delivery], None]
    """Continues to show a run that has started."""


class Leftovers:
    """Continues with the deliveries of an earlier process, until none is left.

    Messages of one chat start in the order in which they came.
    """

    def __init__(self, services: LeftoverServices) -> None:
        self._services = services
        self._unread = True
        self._reading = asyncio.Lock()
        self._own: set[str] = set()
        """What this process began before it could read what is left."""
        self._waiting: list[Delivery] = []
        self._give_up_ms = 0

    async def accept(self, delivery: Delivery) -> bool:
        """Persist a new delivery, which doesn't count as left over. See `Delivery.accept`."""
        if not self._unread:
            return await delivery.accept()
        async with self._reading:
            accepted = await delivery.accept()
            if accepted:
                self._own.add(delivery.key)
        return accepted

    async def take_up(self) -> bool:
        """Read what is left, and start what can be started. Returns whether something has to wait."""
        if self._unread:
            async with self._reading:
                await self._read()
        await self._start()
        return self._unread or bool(self._waiting)

    async def keep_trying(self) -> None:
        """Repeat `take_up`, with a growing delay, until nothing has to wait."""
        seconds = 1.0
        while True:
            await self._services.clock.sleep(seconds)
            if not await self.take_up():
                return
            seconds = min(_MAX_BACKOFF_SECONDS, seconds * 2)

    async def _read(self) -> None:
        services = self._services
        now = services.clock.unix_ms()
        try:
            for entry in await services.state.entries("delivery", services.channel):
                record = decoded(entry.value, DeliveryRecord)
                if record is None or record.created_at_ms < now - _KEEP_MS:
                    _log.warning("channel %s: an old delivery is dropped", services.channel)
                    await services.state.take(services.channel, "delivery", entry.key)
                elif entry.key not in self._own:
                    self._own.add(entry.key)
                    self._add(Delivery(services.channel, record, services.state))
        except StoreError as error:
            _log.error(
                "channel %s: answers on their way cannot be read yet: %s",
                services.channel,
                error.message,
            )
            return
        self._unread = False
        self._own.clear()
        self._give_up_ms = services.clock.steady_ms() + _GIVE_UP_MS

    def _add(self, delivery: Delivery) -> None:
        if delivery.record.run_id is None:
            self._waiting.append(delivery)
        else:
            self._services.show(delivery)

    async def _start(self) -> None:
        """Try each message that waits, but not before an earlier one of its chat has started."""
        waiting: list[Delivery] = []
        chats: set[ChatAddress] = set()
        for delivery in self._waiting:
            if delivery.chat in chats or not await self._settle(delivery):
                waiting.append(delivery)
                chats.add(delivery.chat)
        self._waiting = waiting

    async def _settle(self, delivery: Delivery) -> bool:
        """Start a run. Returns whether that is settled: it has started, or never will."""
        services = self._services
        try:
            await services.start(delivery)
        except ThinkaloudError as error:
            _log.warning("channel %s: a message waits: %s", services.channel, error.message)
            late = services.clock.steady_ms() >= self._give_up_ms
            if isinstance(error, _PASSING) and not late:
                return False
            services.replies.spawn(self._explain(delivery, error))
        return True

    async def _explain(self, delivery: Delivery, error: ThinkaloudError) -> None:
        """Tell the person, and forget the message once they know."""
        start = one_line(delivery.record.order.text, _QUOTED_CHARS)
        words = escaped(f"I could not answer your earlier message “{start}”.")
        reply = Reply(f"{words} {explained(error).markdown}")
        if await self._services.replies.say(delivery.chat, reply, delivery.record.origin):
            await delivery.forget()
