"""Receives updates by long polling and delivers them to the inbox.

aiogram's dispatcher is not used: it confirms updates before they are handled, and one that it can't parse makes it
ask for the same updates for ever.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from aiogram.methods import AnswerCallbackQuery

from thinkaloud.channels.platform.errors import PlatformError, RetryLater, Transient
from thinkaloud.channels.platform.message import ChatMessage, Sender
from thinkaloud.channels.platform.platform import Inbox
from thinkaloud.channels.telegram.api import Api, Conflict, Unauthorized
from thinkaloud.channels.telegram.methods import GetUpdates
from thinkaloud.channels.telegram.read import (
    chat_address,
    read_album,
    read_choice,
    read_message,
)
from thinkaloud.channels.telegram.updates import (
    KINDS,
    CallbackQuery,
    Message,
    Stopped,
    Update,
    User,
)
from thinkaloud.ports.clock import Clock

_log = logging.getLogger(__name__)

_POLL_SECONDS: Final = 25
_ALBUM_SECONDS: Final = 0.7
_RETRIES: Final = 3
"""How often a failed poll is repeated before the channel counts as disconnected."""


class Receiver:
    """The updates of one bot."""

    def __init__(self, name: str, api: Api, clock: Clock, me: User) -> None:
        self._name = name
        self._api = api
        self._clock = clock
        self._me = me
        self._offset: int | None = None

    async def run(self, inbox: Inbox) -> None:
        """Receive until cancelled. Raises `Transient` if that fails several times."""
        failures = 0
        while True:
            try:
                updates = await self._poll()
            except Unauthorized:
                raise
            except (RetryLater, Transient) as error:
                failures += 1
                if failures > _RETRIES:
                    raise
                _log.warning("%s: %s", self._name, error)
                await self._clock.sleep(_delay(error, failures))
                continue
            failures = 0
            await self._deliver(updates, inbox)

    async def _poll(self) -> Sequence[dict[str, Any]]:
        """Wait for updates. Asking for the next ones confirms those that were delivered.

        The pictures of an album are updates of their own, which don't arrive all at once. So if the last update
        belongs to one, the same updates are asked for once more after a moment.
        """
        updates = await self._get(_POLL_SECONDS)
        if _ends_in_album(updates):
            await self._clock.sleep(_ALBUM_SECONDS)
            updates = await self._get(0)
        return updates

    async def _get(self, seconds: int) -> Sequence[dict[str, Any]]:
        method = GetUpdates(offset=self._offset, timeout=seconds, allowed_updates=list(KINDS))
        return await self._api.call(method, seconds=seconds + 10)

    async def _deliver(self, updates: Sequence[dict[str, Any]], inbox: Inbox) -> None:
        album: list[ChatMessage] = []
        album_id: str | None = None
        for raw in updates:
            update = self._parsed(raw)
            message = update.message if update else None
            if album and (message is None or message.media_group_id != album_id):
                await inbox.receive(read_album(album))
                album = []
            if update is None:
                continue
            if message is not None and message.media_group_id:
                album_id = message.media_group_id
                album += self._read(message)
            else:
                await self._handle(update, inbox)
        if album:
            await inbox.receive(read_album(album))
        if updates:
            self._offset = max(int(raw["update_id"]) for raw in updates) + 1

    def _parsed(self, raw: dict[str, Any]) -> Update | None:
        try:
            return msgspec.convert(raw, Update)
        except msgspec.ValidationError as error:
            _log.warning("%s: an update was not understood: %s", self._name, error)
            return None

    def _read(self, message: Message, *, edited: bool = False) -> Sequence[ChatMessage]:
        found = read_message(self._name, message, self._me, self._api.download, edited=edited)
        return [found] if found else []

    async def _handle(self, update: Update, inbox: Inbox) -> None:
        if update.message is not None:
            for message in self._read(update.message):
                await inbox.receive(message)
        elif update.edited_message is not None:
            for message in self._read(update.edited_message, edited=True):
                await inbox.receive(message)
        elif update.callback_query is not None:
            await self._chosen(update.callback_query, inbox)
        elif update.stopped_message_generation is not None:
            await self._stopped(update.stopped_message_generation, inbox)

    async def _chosen(self, query: CallbackQuery, inbox: Inbox) -> None:
        """Handle a button. The app shows a spinner on it until it is answered."""
        found = read_choice(self._name, query)
        if found is not None:
            await inbox.chose(*found, query.data)
        try:
            await self._api.call(AnswerCallbackQuery(callback_query_id=query.id))
        except PlatformError as error:
            _log.info("%s: a button was not confirmed: %s", self._name, error)

    async def _stopped(self, stopped: Stopped, inbox: Inbox) -> None:
        """Handle the stop button of a draft: the chat is private, and its id is the person's."""
        address = chat_address(self._name, stopped.chat, stopped.message_thread_id)
        await inbox.stopped(address, Sender(str(stopped.chat.id)))


def _ends_in_album(updates: Sequence[dict[str, Any]]) -> bool:
    message = updates[-1].get("message") if updates else None
    return isinstance(message, dict) and "media_group_id" in message


def _delay(error: PlatformError, failures: int) -> float:
    """Return how many seconds to wait before the next poll.

    An older program that still waits for updates stops doing so when we ask again.
    """
    if isinstance(error, RetryLater):
        return error.seconds
    return 1 if isinstance(error, Conflict) else 2**failures
