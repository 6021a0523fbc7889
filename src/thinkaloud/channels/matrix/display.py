"""Moves chats toward the content of their runs: one message, which is edited."""

from collections import OrderedDict
from hashlib import sha256
from typing import Any, Final

import msgspec

from thinkaloud.channels.markdown.rendering import Rendering
from thinkaloud.channels.matrix.api import Api
from thinkaloud.channels.matrix.rate import AccountRate, gap_seconds
from thinkaloud.channels.matrix.render import Part, finished, progress
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.errors import Rejected, RetryLater
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Sent
from thinkaloud.ports.clock import Clock

_MOST_RUNS: Final = 2_000


class Posted(msgspec.Struct, frozen=True):
    """A message that was sent, and what is in it."""

    event_id: str
    digest: str
    """Empty if it isn't known which of several versions arrived."""


class Record(msgspec.Struct, frozen=True):
    """What was sent for a run."""

    posted: tuple[Posted, ...] = ()
    sending: str | None = None
    """The digest of a first version that was sent, perhaps without arriving."""
    edits: int = 0
    lost: int = 0
    """How many messages were deleted by others, and sent again."""

    def placed(self, index: int, posted: Posted) -> "Record":
        """Return the record with one more message, or with another version in its place."""
        messages = (*self.posted[:index], posted, *self.posted[index + 1 :])
        return msgspec.structs.replace(self, posted=messages, sending=None, edits=self.edits + 1)


class Shown(msgspec.Struct, frozen=True):
    """Which run a message of the bot shows."""

    chat: ChatAddress
    run_id: str


class Display:
    """Shows runs."""

    def __init__(self, api: Api, rate: AccountRate, clock: Clock, rendering: Rendering) -> None:
        self._api = api
        self._rate = rate
        self._clock = clock
        self._rendering = rendering
        self._updated_ms: OrderedDict[str, int] = OrderedDict()
        self._shown: OrderedDict[str, Shown] = OrderedDict()
        self._deleted: OrderedDict[str, None] = OrderedDict()

    def run_of(self, event_id: str) -> Shown | None:
        """Return the run that a message shows, if it is recent."""
        return self._shown.get(event_id)

    def deleted(self, event_id: str) -> None:
        """Note that a message was deleted. An answer that is still on its way is sent again."""
        _remember(self._deleted, event_id, None)

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """See `Platform.show`."""
        record = await self._surviving(sent)
        if not content.final:
            part = await self._rendering.call(content.chars, progress, content)
            if part is not None and not _has(record, 0, part):
                self._wait_for_turn(content.run_id, record)
                await self._place(chat, content, sent, 0, part)
                _remember(self._updated_ms, content.run_id, self._clock.steady_ms())
            return True
        self._updated_ms.pop(content.run_id, None)
        encrypted = self._api.encrypts(chat.chat_id)
        parts = await self._rendering.end(content, finished, encrypted=encrypted)
        for index, part in enumerate(parts):
            if not _has(sent.load(Record) or Record(), index, part):
                await self._place(chat, content, sent, index, part)
        return True

    async def _surviving(self, sent: Sent) -> Record:
        """Return the record without messages that were deleted."""
        record = sent.load(Record) or Record()
        left = tuple(each for each in record.posted if each.event_id not in self._deleted)
        if len(left) < len(record.posted):
            first = next(i for i, each in enumerate(record.posted) if each not in left)
            record = msgspec.structs.replace(
                record, posted=record.posted[:first], lost=record.lost + 1
            )
            await sent.save(record)
        return record

    def _wait_for_turn(self, run_id: str, record: Record) -> None:
        """Raise `RetryLater` if it is too early for an update."""
        wait = self._rate.wait_seconds(final=False)
        updated = self._updated_ms.get(run_id)
        if updated is not None and record.edits:
            passed = (self._clock.steady_ms() - updated) / 1000
            wait = max(wait, gap_seconds(record.edits - 1) - passed)
        if wait > 0:
            raise RetryLater(wait, "updates")

    async def _place(
        self, chat: ChatAddress, content: ChatContent, sent: Sent, index: int, part: Part
    ) -> None:
        """Send the message of this index, or edit it."""
        record = sent.load(Record) or Record()
        old = record.posted[index] if index < len(record.posted) else None
        if old is not None:
            name = f"{old.event_id} {part.digest} {record.edits}"
            await self.send(chat.chat_id, part.edit_of(old.event_id), name, final=content.final)
            await sent.save(record.placed(index, Posted(old.event_id, part.digest)))
            return
        earlier = record.sending
        if earlier is None:
            record = msgspec.structs.replace(record, sending=part.digest)
            await sent.save(record)
        message = {**part.content, **_relation(chat, content, index)}
        name = f"{content.run_id} {index} {record.lost}"
        try:
            event_id = await self.send(chat.chat_id, message, name, final=content.final)
        except (RetryLater, Rejected):
            if earlier is None:
                await sent.save(msgspec.structs.replace(record, sending=None))
            raise
        # The server keeps the first version of a transaction: if that may be another one, it has to be edited.
        certain = earlier is None or earlier == part.digest
        posted = Posted(event_id, part.digest if certain else "")
        await sent.save(record.placed(index, posted))
        _remember(self._shown, event_id, Shown(chat, content.run_id))
        if not certain:
            await self._place(chat, content, sent, index, part)

    async def send(
        self, room_id: str, message: dict[str, Any], name: str, *, final: bool = True
    ) -> str:
        """Send a message within the account's rate, once for each name, and return its id."""
        wait = self._rate.wait_seconds(final=final)
        if wait > 0:
            raise RetryLater(wait, "chat")
        transaction = f"thinkaloud-{sha256(name.encode()).hexdigest()[:32]}"
        try:
            event_id = await self._api.send(room_id, message, transaction)
        except RetryLater as error:
            self._rate.refused(error.seconds)
            raise
        self._rate.count()
        return event_id


def _has(record: Record, index: int, part: Part) -> bool:
    return index < len(record.posted) and record.posted[index].digest == part.digest


def _relation(chat: ChatAddress, content: ChatContent, index: int) -> dict[str, Any]:
    """Return what a new message refers to: its thread, or in groups the question."""
    origin = content.origin
    asked = {"m.in_reply_to": {"event_id": origin.message_id}} if origin is not None else {}
    return relation(
        chat, asked if index == 0 and origin is not None and origin.is_group else {}, asked
    )


def relation(chat: ChatAddress, reply: dict[str, Any], fallback: dict[str, Any]) -> dict[str, Any]:
    """Return the relation of a message in a chat. In threads, `fallback` is for clients without threads."""
    if chat.thread_id is None:
        return {"m.relates_to": reply} if reply else {}
    thread = {"rel_type": "m.thread", "event_id": chat.thread_id}
    if reply:
        return {"m.relates_to": {**thread, **reply}}
    return {"m.relates_to": {**thread, "is_falling_back": True, **fallback}}


def _remember(table: OrderedDict[str, Any], key: str, value: Any) -> None:  # noqa: ANN401
    table[key] = value
    table.move_to_end(key)
    if len(table) > _MOST_RUNS:
        table.popitem(last=False)
