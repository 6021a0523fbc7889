"""Sends the rest of a long answer when the person writes again."""

import asyncio
import logging
from collections import OrderedDict
from typing import Final

from thinkaloud.channels.platform.errors import PlatformError, Rejected, RetryLater
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage
from thinkaloud.channels.platform.platform import Inbox
from thinkaloud.channels.wechat.mail import Mail
from thinkaloud.channels.wechat.render import MORE_WORDS
from thinkaloud.ports.clock import Clock

_ATTEMPTS: Final = 4
_MAX_SEEN: Final = 10_000
_ENDS: Final = ("/new", "!new", "/stop", "!stop")
_log = logging.getLogger(__name__)


class Rests:
    """What waits for people's next words."""

    def __init__(self, mail: Mail, clock: Clock, tasks: asyncio.TaskGroup) -> None:
        self._mail = mail
        self._clock = clock
        self._tasks = tasks
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._busy: dict[str, asyncio.Task[None]] = {}

    async def takes(self, message: ChatMessage, inbox: Inbox) -> bool:
        """Note a message, and send what waited for it. Returns whether it asked for nothing else."""
        chat = message.chat
        if message.sender.is_bot or not self._is_new(message):
            return False
        self._mail.renew_token(chat, message.token)
        if await self._mail.rest(chat) is None or not await inbox.allows(message.sender):
            return False
        text = message.text.strip().lower()
        if text.startswith(_ENDS):
            async with self._mail.lock(chat):
                await self._mail.drop(chat)
            return False
        if chat.chat_id not in self._busy:
            self._busy[chat.chat_id] = self._tasks.create_task(self._send(chat))
        return text in MORE_WORDS and not message.files

    def _is_new(self, message: ChatMessage) -> bool:
        """Whether it wasn't delivered before: only a new message renews the quota."""
        key = (message.chat.chat_id, message.message_id)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > _MAX_SEEN:
            self._seen.popitem(last=False)
        return True

    def cancel(self) -> None:
        """Stop sending: what was not sent waits for the next word."""
        for task in self._busy.values():
            task.cancel()

    async def _send(self, chat: ChatAddress) -> None:
        try:
            async with self._mail.lock(chat):
                await self._send_all(chat)
        except PlatformError as error:
            _log.warning("%s: the rest of an answer waits: %s", chat.channel, error.message)
        except Exception as error:  # noqa: BLE001 - one chat must not end the channel
            _log.error("%s: a rest could not be sent: %s", chat.channel, type(error).__name__)
        finally:
            self._busy.pop(chat.chat_id, None)

    async def _send_all(self, chat: ChatAddress) -> None:
        failures = 0
        while (rest := await self._mail.rest(chat)) is not None and self._mail.room(chat):
            try:
                await self._mail.send_rest(chat, rest)
                failures = 0
            except Rejected:
                raise
            except PlatformError as error:
                failures += 1
                if failures >= _ATTEMPTS:
                    raise
                later = error.seconds if isinstance(error, RetryLater) else 2.0**failures
                await self._clock.sleep(later)
