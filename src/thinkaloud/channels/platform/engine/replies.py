"""Sends the server's own words, and does other work that a platform's receiver doesn't wait for."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Final, Literal
from weakref import WeakValueDictionary

import msgspec

from thinkaloud.channels.markdown.plain import escaped
from thinkaloud.channels.platform.content import one_line
from thinkaloud.channels.platform.engine.connection import Connection
from thinkaloud.channels.platform.errors import PlatformError, RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.errors import ThinkaloudError, UnknownModel, UserError
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tasks import owned_tasks

_ATTEMPTS: Final = 5
_CALL_SECONDS: Final = 120.0
"""A call that takes longer hangs."""
_MAX_TASKS: Final = 256
"""The most replies and downloads at a time; what exceeds that is dropped."""
_NOT_PRIVATE: Final = "I can't show that to you alone here. Ask me in a direct message."
_Outcome = Literal["settled", "not_private", "failed"]
_log = logging.getLogger(__name__)


class Reply(msgspec.Struct, frozen=True):
    """What to say. `private`: only to the person who asked."""

    markdown: str
    private: bool = False


class WrongArgument(UserError):
    """A command has an argument that is not possible. The message is Markdown."""


def explained(error: ThinkaloudError, prefix: str = "/") -> Reply:
    """Return the reply for an error. Commands in it have this prefix."""
    match error:
        case WrongArgument():
            return Reply(error.message)
        case UnknownModel():
            near = ", ".join([quoted(each) for each in error.nearest])
            hint = f" Did you mean {near}?" if near else ""
            words = f"There is no model {quoted(error.model)}.{hint}"
            return Reply(f"{words} `{prefix}model` lists the models.")
        case _:
            return Reply(escaped(error.message))


def quoted(text: str) -> str:
    """Return what somebody wrote, as code on one line, shortened."""
    return f"`{one_line(text.replace('`', ' '), 40)}`"


class Replies:
    """The replies of one channel."""

    def __init__(self, channel: str, connection: Connection, clock: Clock) -> None:
        self._channel = channel
        self._connection = connection
        self._clock = clock
        self._owned: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: WeakValueDictionary[ChatAddress, asyncio.Lock] = WeakValueDictionary()
        """Replies to a chat are sent one after the other, in the order of their commands."""

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Own the tasks until the block is left; then they are cancelled."""
        async with owned_tasks() as tasks:
            self._owned = tasks
            try:
                yield
            finally:
                self._owned = None
                for task in self._tasks:
                    task.cancel()

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The tasks of replies and downloads."""
        return frozenset(self._tasks)

    def send(self, chat: ChatAddress, reply: Reply, origin: Origin) -> None:
        """Send a reply soon, with a few attempts."""
        self.spawn(self._send(chat, reply, origin))

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Do something that the caller doesn't wait for."""
        if self._owned is None or len(self._tasks) >= _MAX_TASKS:
            _log.warning("channel %s: too much to do; a reply is dropped", self._channel)
            work.close()
            return
        task = self._owned.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - one message must not end the channel
            _log.error("channel %s: a reply failed: %s", self._channel, type(error).__name__)

    async def _send(self, chat: ChatAddress, reply: Reply, origin: Origin) -> None:
        await self.say(chat, reply, origin)

    async def say(self, chat: ChatAddress, reply: Reply, origin: Origin) -> bool:
        """Send a reply as soon as the pace allows it. Returns False if all attempts failed.

        What the platform rejects counts as sent: it never will be.
        """
        async with self._turns.setdefault(chat, asyncio.Lock()):
            outcome = await self._try(chat, reply, origin)
            if outcome == "not_private":
                outcome = await self._try(chat, Reply(_NOT_PRIVATE), origin)
        return outcome != "failed"

    async def _try(self, chat: ChatAddress, reply: Reply, origin: Origin) -> _Outcome:
        channel, connection = self._channel, self._connection
        for attempt in range(_ATTEMPTS):
            await connection.ready()
            await connection.pacer.permitted(chat)
            platform = await connection.ready()  # It may be another one now.
            try:
                async with asyncio.timeout(_CALL_SECONDS):
                    sent = await platform.say(
                        chat, reply.markdown, origin=origin, private=reply.private
                    )
            except RetryLater as order:
                await connection.pacer.wait_out(order, chat)
            except (Transient, TimeoutError):
                await self._clock.sleep(2.0**attempt)
            except PlatformError as error:
                _log.warning("channel %s: a reply was rejected: %s", channel, error.message)
                return "settled"
            else:
                return "settled" if sent or not reply.private else "not_private"
        _log.warning("channel %s: a reply could not be sent", channel)
        return "failed"
