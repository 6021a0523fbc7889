"""The typing indicator, which is all that WeChat can show of a thought while it streams."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from thinkaloud.channels.platform.errors import PlatformError
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.wechat.api import Api
from thinkaloud.channels.wechat.protocol import NOT_TYPING, TYPING, Config, Reply
from thinkaloud.ports.clock import Clock

_EVERY_MS: Final = 4_500
_SECONDS: Final = 3.0
_MAX_TICKETS: Final = 1_000
_log = logging.getLogger(__name__)


class TypingIndicator:
    """The indicators of all chats. Failures are ignored, and nothing waits for it to be shown."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._tasks: asyncio.TaskGroup | None = None
        self._showing: dict[str, asyncio.Task[None]] = {}
        self._tickets: OrderedDict[str, str] = OrderedDict()
        self._shown_ms: dict[str, int] = {}

    @contextmanager
    def active(self, tasks: asyncio.TaskGroup) -> Generator[None]:
        """Show indicators within the block, with tasks of this group."""
        self._tasks = tasks
        try:
            yield
        finally:
            self._tasks = None
            for task in self._showing.values():
                task.cancel()

    def show(self, chat: ChatAddress, token: str) -> None:
        """Show it, or keep it alive. Makes no call if it was shown just now."""
        now, user = self._clock.steady_ms(), chat.chat_id
        shown = self._shown_ms.get(user)
        if self._tasks is None or user in self._showing:
            return
        if shown is None or now - shown >= _EVERY_MS:
            self._shown_ms[user] = now
            task = self._tasks.create_task(self._send(chat, token, TYPING))
            self._showing[user] = task
            task.add_done_callback(lambda _: self._showing.pop(user, None))

    async def hide(self, chat: ChatAddress, token: str) -> None:
        """Hide it, if it was shown."""
        if showing := self._showing.get(chat.chat_id):
            showing.cancel()
        if self._shown_ms.pop(chat.chat_id, None) is not None:
            await self._send(chat, token, NOT_TYPING)

    async def _send(self, chat: ChatAddress, token: str, status: int) -> None:
        user = chat.chat_id
        try:
            ticket = self._tickets.get(user) or await self._ticket(user, token)
            if ticket:
                body = {"ilink_user_id": user, "typing_ticket": ticket, "status": status}
                await self._api.post("sendtyping", body, Reply, seconds=_SECONDS)
        except PlatformError as error:
            self._tickets.pop(user, None)
            _log.info("%s: no typing indicator: %s", chat.channel, error.message)

    async def _ticket(self, user: str, token: str) -> str:
        """Return the ticket that the indicator for a person needs."""
        body = {"ilink_user_id": user} | ({"context_token": token} if token else {})
        found = await self._api.post("getconfig", body, Config, seconds=_SECONDS)
        if found.typing_ticket:
            self._tickets[user] = found.typing_ticket
            if len(self._tickets) > _MAX_TICKETS:
                self._tickets.popitem(last=False)
        return found.typing_ticket
