"""Between chats and runs: what people say begins a run, and what the run says goes to its chat."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from thinkaloud.channels.inbox import InboundMessage
from thinkaloud.channels.message import Outbound, OutboundMessage
from thinkaloud.channels.routing import ChannelManager
from thinkaloud.channels.telling import Telling
from thinkaloud.errors import NotFound, ThinkaloudError
from thinkaloud.events.event import Recorded
from thinkaloud.events.fold import RunView
from thinkaloud.ports.tasks import owned_tasks

_log = logging.getLogger(__name__)


class RunFeed(Protocol):
    """One run being followed from its first event."""

    async def next(self) -> Sequence[Recorded] | RunView:
        """Wait for more: events in order, or the run as it stands where events are gone.

        Empty means the end.
        """
        ...


class ChatRuns(Protocol):
    """What the bridge needs of the runtime."""

    async def begin(self, message: InboundMessage) -> str | None:
        """Start a run for a message and return its id; None where the message was taken before.

        Raises `ThinkaloudError`.
        """
        ...

    def follow(self, run_id: str) -> AbstractAsyncContextManager[RunFeed]:
        """Follow a run from its first event to its end."""
        ...


class Bridge:
    """The `Inbox` of all channels. Runs of one chat are told one after the other.

    It pulls: while a chat takes its time its run is not read further, so that nothing waits but a
    cursor, nothing of the run is lost, and no other chat is touched (P14).
    """

    def __init__(self, manager: ChannelManager, runs: ChatRuns) -> None:
        self._manager = manager
        self._runs = runs
        self._told: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Bridge"]:
        """Own what follows runs, until the block is left. The runs go on."""
        async with owned_tasks() as tasks:
            self._tasks = tasks
            try:
                yield self
            finally:
                self._tasks = None
                for task in self._told.values():
                    task.cancel()

    async def hear(self, message: InboundMessage) -> None:
        """Begin a run for a message; what it says goes to the chat. A refusal is said there.

        Raises `NotFound` where there is no such channel.
        """
        if message.channel not in self._manager.channels:
            raise NotFound(f"There is no channel {message.channel!r}.")
        if self._tasks is None:
            return
        try:
            run_id = await self._runs.begin(message)
        except ThinkaloudError as error:
            self._manager.dispatch(OutboundMessage(message.channel, message.chat_id, error.message))
            return
        if run_id is None:
            return
        key = (message.channel, message.chat_id)
        self._told[key] = self._tasks.create_task(self._tell(key, run_id, self._told.get(key)))

    async def _tell(
        self, key: tuple[str, str], run_id: str, earlier: asyncio.Task[None] | None
    ) -> None:
        try:
            if earlier is not None:
                await asyncio.wait([earlier])
            telling = Telling(*key, run_id)
            async with self._runs.follow(run_id) as feed:
                while found := await feed.next():
                    await self._send(telling, found)
        except ThinkaloudError as error:
            _log.warning("run %s cannot be followed: %s", run_id, error.message)
            await self._put(OutboundMessage(*key, error.message))
        finally:
            if self._told.get(key) is asyncio.current_task():
                del self._told[key]

    async def _send(self, telling: Telling, found: Sequence[Recorded] | RunView) -> None:
        items: list[Outbound] = []
        if isinstance(found, RunView):
            items.extend(telling.view(found))
        else:
            for recorded in found:
                items.extend(telling.event(recorded))
        for item in items:
            await self._put(item)

    async def _put(self, item: Outbound) -> None:
        await self._manager.room(item.channel, item.chat_id)
        self._manager.dispatch(item)
