"""An answer on its way, as it is stored until its chat shows all of it."""

import hashlib
import logging
from typing import Final, TypeVar

import msgspec

from thinkaloud.channels.platform.engine.runs import RunOrder
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.errors import StoreError
from thinkaloud.ports.channel_state import ChannelState

S = TypeVar("S", bound=msgspec.Struct)
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
    completed: bool = False
    """Whether what a long answer left out was sent, as a document or in messages."""


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
        await self._keep(msgspec.structs.replace(self.record, sent=sent))

    async def complete(self) -> None:
        """Persist that what a long answer left out was sent. Errors are handled as in `save`."""
        await self._keep(msgspec.structs.replace(self.record, completed=True))

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

    async def _keep(self, record: DeliveryRecord) -> None:
        self.record = record
        try:
            await self._store()
        except StoreError as error:
            _log.warning("channel %s: cannot save what was sent: %s", self._channel, error.message)

    async def _store(self) -> None:
        value = msgspec.json.encode(self.record)
        await self._state.put(self._channel, "delivery", self.key, value)


def delivery_key(chat: ChatAddress, message_id: str) -> str:
    """Return the key of the answer to a message, whatever the ids contain."""
    name = msgspec.json.encode((chat.channel, chat.chat_id, chat.thread_id, message_id))
    return hashlib.sha256(name).hexdigest()[:40]
