"""Receives messages by long polling and delivers them to the inbox."""

import asyncio
import logging
from hashlib import sha256
from typing import Final

import msgspec

from thinkaloud.channels.platform.errors import RetryLater, Transient
from thinkaloud.channels.platform.message import ChatMessage
from thinkaloud.channels.platform.platform import Inbox, Storage
from thinkaloud.channels.platform.stored import decoded
from thinkaloud.channels.wechat.api import Api, StaleLogin, TimedOut
from thinkaloud.channels.wechat.credentials import Credentials
from thinkaloud.channels.wechat.protocol import Message, Updates
from thinkaloud.channels.wechat.read import Download, read_message
from thinkaloud.channels.wechat.rests import Rests
from thinkaloud.ports.clock import Clock

_POLL_MS: Final = 35_000
_MAX_POLL_MS: Final = 300_000
_MARGIN_SECONDS: Final = 10.0
_RETRIES: Final = 3
"""How often a failed poll is repeated before the channel counts as disconnected."""
_CURSOR: Final = "cursor"
_log = logging.getLogger(__name__)


class Cursor(msgspec.Struct, frozen=True):
    """Where the next poll continues, as it is stored. An empty cursor replays old messages."""

    login: str
    """A hash of the token: another login has other cursors."""
    position: str


class Receiver:
    """The messages of one bot."""

    def __init__(self, name: str, api: Api, credentials: Credentials, storage: Storage) -> None:
        self._name = name
        self._api = api
        self._account = credentials.account
        self._login = sha256(credentials.token.encode()).hexdigest()[:16]
        self._storage = storage
        self._poll_ms = _POLL_MS

    async def run(self, inbox: Inbox, rests: Rests, clock: Clock, download: Download) -> None:
        """Receive until cancelled. Raises `StaleLogin`, or `Transient` if polling fails several times."""
        position = await self._position()
        failures = 0
        while True:
            try:
                updates = await self._poll(position)
            except StaleLogin:
                raise
            except TimedOut:
                continue  # Nobody wrote.
            except RetryLater as error:
                await clock.sleep(error.seconds)
                continue
            except Transient as error:
                failures += 1
                if failures > _RETRIES:
                    raise
                _log.warning("%s: %s", self._name, error.message)
                await clock.sleep(2.0**failures)
                continue
            failures = 0
            for raw in updates.msgs:
                message = self._read(raw, download)
                if message is not None and not await rests.takes(message, inbox):
                    await inbox.receive(message)
            if updates.get_updates_buf and updates.get_updates_buf != position:
                position = updates.get_updates_buf
                await self._storage.put(_CURSOR, msgspec.json.encode(Cursor(self._login, position)))

    async def _position(self) -> str:
        cursor = decoded(await self._storage.get(_CURSOR), Cursor)
        return cursor.position if cursor is not None and cursor.login == self._login else ""

    async def _poll(self, position: str) -> Updates:
        seconds = self._poll_ms / 1000 + _MARGIN_SECONDS
        body = {"get_updates_buf": position}
        updates = await self._api.post("getupdates", body, Updates, seconds=seconds)
        if updates.longpolling_timeout_ms > 0:
            self._poll_ms = min(updates.longpolling_timeout_ms, _MAX_POLL_MS)
        if not updates.msgs:
            await asyncio.sleep(0)  # A server that doesn't wait must not block the loop.
        return updates

    def _read(self, raw: msgspec.Raw, download: Download) -> ChatMessage | None:
        try:
            message = msgspec.json.decode(raw, type=Message)
        except msgspec.DecodeError as error:
            _log.warning("%s: a message was not understood: %s", self._name, error)
            return None
        return read_message(self._name, message, self._account, download)
