"""Connects chats and runs: a message starts a run, and the run's output is sent to its chat."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol
from weakref import WeakValueDictionary

from thinkaloud.channels.host import InboundMessage
from thinkaloud.channels.message import Outbound, OutboundMessage
from thinkaloud.channels.routing import ChannelManager
from thinkaloud.channels.run_presenter import RunPresenter
from thinkaloud.core.chat_commands import is_stop
from thinkaloud.errors import Conflict, InternalError, NotFound, ThinkaloudError, Unavailable
from thinkaloud.events.event import LoggedEvent
from thinkaloud.events.view import RunView
from thinkaloud.ports.tasks import owned_tasks

_Chat = tuple[str, str]
"""A chat: its channel, and the platform's id of the chat."""

_log = logging.getLogger(__name__)


class RunFeed(Protocol):
    """A subscription to one run, from its first event."""

    async def next(self) -> Sequence[LoggedEvent] | RunView:
        """Wait for the next events, in order, or for a snapshot of the run if events were dropped.

        An empty result means the end.
        """
        ...


class ChatRuns(Protocol):
    """What the bridge needs from the runtime."""

    async def begin(self, message: InboundMessage) -> str | None:
        """Start a run for a message and return its id, or None if the message is a duplicate.

        Raises `ThinkaloudError`.
        """
        ...

    async def stop(self, channel: str, chat_id: str) -> None:
        """Stop the active run of a chat, if any, and return when it has ended."""
        ...

    def follow(self, run_id: str) -> AbstractAsyncContextManager[RunFeed]:
        """Follow a run from its first event to its end."""
        ...


class Bridge:
    """The `Exchange` of all channels. Sends the runs of one chat one after the other.

    Delivery is pull-based: while a chat is slow, its run is not read further. Only a cursor waits,
    no output is lost, and other chats are not affected (P14).
    """

    def __init__(
        self, manager: ChannelManager, runs: ChatRuns, *, drain_seconds: float = 5.0
    ) -> None:
        self._manager = manager
        self._runs = runs
        self._drain_seconds = drain_seconds
        self._hearing: WeakValueDictionary[_Chat, asyncio.Lock] = WeakValueDictionary()
        self._last: dict[_Chat, asyncio.Task[None]] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Bridge"]:
        """Own the tasks that follow runs until the block exits. The runs themselves continue.

        On exit, sends the remaining output to the chats for up to `drain_seconds`.
        """
        async with owned_tasks() as tasks:
            self._tasks = tasks
            try:
                yield self
            finally:
                self._tasks = None
                await self._finish()

    async def receive(self, message: InboundMessage) -> None:
        """Start a run for a message and send its output, or the reason for a refusal, to the chat.

        Runs of one chat start in the order of their messages. `/stop` starts no run but stops the
        active one. Raises `NotFound` if the channel does not exist.
        """
        if message.channel not in self._manager.channels:
            raise NotFound(f"There is no channel {message.channel!r}.")
        if is_stop(message.text):
            await self._runs.stop(message.channel, message.chat_id)
            return
        chat = (message.channel, message.chat_id)
        async with self._hearing.setdefault(chat, asyncio.Lock()):
            try:
                await self._begin(chat, message)
            except ThinkaloudError as error:
                self._refuse(chat, error)

    async def stop(self, channel: str, chat_id: str) -> None:
        """Stop the active run of a chat, if any, and return when it has ended."""
        await self._runs.stop(channel, chat_id)

    def dispatch(self, message: OutboundMessage) -> None:
        """Route a plugin's message. See `ChannelManager.dispatch`."""
        self._manager.dispatch(message)

    async def _begin(self, chat: _Chat, message: InboundMessage) -> None:
        self._group()
        run_id = await self._runs.begin(message)
        if run_id is None:
            return
        task = self._group().create_task(self._tell(chat, run_id, self._last.get(chat)))
        self._last[chat] = task
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def _group(self) -> asyncio.TaskGroup:
        if self._tasks is None:
            raise Unavailable("The server is shutting down and accepts no new messages.")
        return self._tasks

    def _refuse(self, chat: _Chat, error: ThinkaloudError) -> None:
        try:
            self._manager.dispatch(OutboundMessage(*chat, error.message))
        except (Conflict, InternalError):
            _log.warning("channel %s: could not send an error message: %s", chat[0], error.message)

    async def _finish(self) -> None:
        if self._telling:
            _, late = await asyncio.wait(set(self._telling), timeout=self._drain_seconds)
            for task in late:
                task.cancel()

    async def _tell(self, chat: _Chat, run_id: str, earlier: asyncio.Task[None] | None) -> None:
        try:
            if earlier is not None:
                await asyncio.wait([earlier])
            telling = RunPresenter(*chat, run_id)
            async with self._runs.follow(run_id) as feed:
                while found := await feed.next():
                    await self._send(telling, found)
        except ThinkaloudError as error:
            _log.warning("run %s could not be followed: %s", run_id, error.message)
            await self._put(OutboundMessage(*chat, error.message))
        finally:
            if self._last.get(chat) is asyncio.current_task():
                del self._last[chat]

    async def _send(self, telling: RunPresenter, found: Sequence[LoggedEvent] | RunView) -> None:
        items: list[Outbound] = []
        if isinstance(found, RunView):
            items.extend(telling.view(found))
        else:
            for logged in found:
                items.extend(telling.event(logged))
        for item in items:
            await self._put(item)

    async def _put(self, item: Outbound) -> None:
        await self._manager.room(item.channel, item.chat_id)
        self._manager.dispatch(item)
