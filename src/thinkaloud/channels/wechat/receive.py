"""Receives messages by long polling and delivers them to the inbox."""

import logging
from hashlib import sha256
from typing import Final

import msgspec

from thinkaloud.channels.platform.errors import RetryLater, Transient
from thinkaloud.channels.platform.message import ChatMessage
from thinkaloud.channels.platform.platform import Inbox, PlatformContext
from thinkaloud.channels.platform.stored import decoded
from thinkaloud.channels.wechat.api import Api, StaleLogin, TimedOut, converted
from thinkaloud.channels.wechat.credentials import Credentials
from thinkaloud.channels.wechat.protocol import Message, Updates
from thinkaloud.channels.wechat.read import Download, read_message
from thinkaloud.channels.wechat.rests import Rests

_POLL_MS: Final = 35_000
_MAX_POLL_MS: Final = 300_000
_MARGIN_SECONDS: Final = 10.0
_RETRIES: Final = 3
"""How often a failed poll is repeated before the channel counts as disconnected."""
_SHORT_MS: Final = 500
_CURSOR: Final = "cursor"
_log = logging.getLogger(__name__)


class Cursor(msgspec.Struct, frozen=True):
    """Where the next poll continues, as it is stored. An empty cursor replays old messages."""

    login: str
    """A hash of the token: another login has other cursors."""
    position: str


class Receiver:
    """The messages of one bot."""

    def __init__(self, context: PlatformContext, api: Api, credentials: Credentials) -> None:
        self._name = context.name
        self._clock = context.clock
        self._api = api
        self._account = credentials.account
        self._login = sha256(credentials.token.encode()).hexdigest()[:16]
        self._storage = context.storage
        self._failures = 0
        self._poll_ms = _POLL_MS

    async def run(self, inbox: Inbox, rests: Rests, download: Download) -> None:
        """Receive until cancelled. Raises `StaleLogin`, or `Transient` if polling fails several times."""
        position = await self._position()
        while True:
            updates = await self._next(position)
            for raw in updates.msgs:
                message = self._read(raw, download)
                if message is not None and not await rests.takes(message, inbox):
                    await inbox.receive(message)
            if updates.get_updates_buf and updates.get_updates_buf != position:
                position = updates.get_updates_buf
                await self._storage.put(_CURSOR, msgspec.json.encode(Cursor(self._login, position)))

    async def _next(self, position: str) -> Updates:
        """Return the next messages, if there are some soon, and bear a few failures."""
        started_ms = self._clock.steady_ms()
        try:
            updates = await self._poll(position)
        except StaleLogin:
            raise
        except RetryLater as error:
            await self._clock.sleep(error.seconds)
            return Updates()
        except Transient as error:
            self._failures += 1
            if self._failures > _RETRIES:
                raise
            if not isinstance(error, TimedOut):  # Perhaps nobody wrote.
                _log.warning("%s: %s", self._name, error.message)
                await self._clock.sleep(2.0**self._failures)
            return Updates()
        self._failures = 0
        if not updates.msgs and self._clock.steady_ms() - started_ms < _SHORT_MS:
            await self._clock.sleep(_SHORT_MS / 1000)  # A server that doesn't wait.
        return updates

    async def _position(self) -> str:
        cursor = decoded(await self._storage.get(_CURSOR), Cursor)
        return cursor.position if cursor is not None and cursor.login == self._login else ""

    async def _poll(self, position: str) -> Updates:
        seconds = self._poll_ms / 1000 + _MARGIN_SECONDS
        body = {"get_updates_buf": position}
        updates = await self._api.post("getupdates", body, Updates, seconds=seconds)
        if updates.longpolling_timeout_ms > 0:
            self._poll_ms = min(updates.longpolling_timeout_ms, _MAX_POLL_MS)
        return updates

    def _read(self, raw: object, download: Download) -> ChatMessage | None:
        try:
            message = converted(raw, Message)
        except msgspec.ValidationError as error:
            _log.warning("%s: a message was not understood: %s", self._name, error)
            return None
        return read_message(self._name, message, self._account, download)
