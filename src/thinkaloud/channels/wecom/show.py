"""Moves a chat toward what it should show for a run."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from thinkaloud.channels.markdown.rendering import Rendering
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.errors import Transient
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Pace, Sent
from thinkaloud.channels.wecom.connection import LongConnection
from thinkaloud.channels.wecom.failures import INVALID_REQUEST, STREAM_EXPIRED, Refusal
from thinkaloud.channels.wecom.render import (
    Live,
    closed_early,
    digest_of,
    final_messages,
    live_message,
    remaining_messages,
)
from thinkaloud.ports.clock import Clock

STREAM_MS: Final = 6 * 60 * 1000
"""How long a stream may last: WeCom refuses changes afterwards."""
CLOSING_MS: Final = STREAM_MS - 40_000
"""When a stream is ended although the run is still active."""
_LOST: Final = {INVALID_REQUEST, STREAM_EXPIRED}
_MAX_SHOWN: Final = 4_096
_MAX_ENDS: Final = 256


class Record(msgspec.Struct, frozen=True):
    """What was sent for a run. Persisted."""

    stream_id: str
    started_ms: int
    state: Literal["streaming", "closed", "lost", "done"] = "streaming"
    """`closed`: ended before the run. `lost`: it can't change any more. `done`: it shows the end."""
    shown: int = 0
    """How many characters of the answer the stream shows."""
    digest: str = ""
    """Of these characters."""
    messages: int = 0
    """How many messages of the final content are sent."""


class Showing:
    """The streams of one bot."""

    def __init__(
        self, connection: LongConnection, pace: Pace, clock: Clock, rendering: Rendering
    ) -> None:
        self._connection = connection
        self._pace = pace
        self._clock = clock
        self._rendering = rendering
        self._shown: OrderedDict[str, int] = OrderedDict()
        """The hash of the text that each stream shows."""
        self._ending: OrderedDict[str, bool] = OrderedDict()
        """The streams whose end was sent, but not acknowledged."""

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """See `Platform.show`."""
        record = sent.load(Record)
        if content.final:
            return await self._finish(chat, content, record, sent)
        if record is not None and record.state != "streaming":
            return True
        live = await self._rendering.call(content.chars, live_message, content)
        if live is None or not _token(content):
            return True
        if record is None:
            # Its start counts as a message.
            if not self._pace.try_spend("minute", chat) or not self._pace.try_spend("hour", chat):
                return False
            record = await self._start(content, sent)
        await self._update(content, live, record, sent)
        return True

    async def _start(self, content: ChatContent, sent: Sent) -> Record:
        # The id follows from the run, so that a repeated start is the same stream.
        stream_id = hashlib.sha256(content.run_id.encode()).hexdigest()[:32]
        record = Record(stream_id, self._clock.unix_ms())
        await sent.save(record)
        return record

    async def _update(self, content: ChatContent, live: Live, record: Record, sent: Sent) -> None:
        late = self._clock.unix_ms() - record.started_ms >= CLOSING_MS
        text = closed_early(live) if late else live.text
        if not late and self._shown.get(record.stream_id) == hash(text):
            return
        shown = msgspec.structs.replace(
            record, shown=live.shown, digest=digest_of(content, live.shown)
        )
        try:
            await self._connection.stream(_token(content), record.stream_id, text, finish=late)
        except Refusal as refusal:
            if refusal.code not in _LOST:
                raise
            await sent.save(msgspec.structs.replace(record, state="lost"))
            return
        self._remember(record.stream_id, text)
        if late:
            await sent.save(msgspec.structs.replace(shown, state="closed"))
        elif shown != record:
            await sent.save(shown)

    async def _finish(
        self, chat: ChatAddress, content: ChatContent, record: Record | None, sent: Sent
    ) -> bool:
        """Show the end of the run: in its stream, if that is possible, else in new messages."""
        if record is None:
            await self._spend(chat)
            record = await self._start(content, sent)
        if record.state == "streaming":
            record = await self._end_stream(content, record)
            await sent.save(record)
            self._shown.pop(record.stream_id, None)
        messages = await self._messages(content, record)
        if record.messages < len(messages):
            await self._spend(chat)
            text = messages[record.messages]
            await self._connection.send(chat.chat_id, "markdown", content=text)
            record = msgspec.structs.replace(record, messages=record.messages + 1)
            await sent.save(record)
        return record.messages >= len(messages)

    async def _messages(self, content: ChatContent, record: Record) -> Sequence[str]:
        """Return what shows the end of the run."""
        if record.state in {"closed", "lost"}:
            shown = record.shown, record.digest
            return await self._rendering.end(content, remaining_messages, *shown)
        return await self._rendering.end(content, final_messages)

    async def _spend(self, chat: ChatAddress) -> None:
        await self._pace.spend("minute", chat, final=True)
        await self._pace.spend("hour", chat, final=True)

    async def _end_stream(self, content: ChatContent, record: Record) -> Record:
        lost = msgspec.structs.replace(record, state="lost")
        token = _token(content)
        if not token or self._clock.unix_ms() - record.started_ms >= STREAM_MS:
            return lost
        text = (await self._messages(content, record))[0]
        repeated = self._ending.pop(record.stream_id, False)
        try:
            await self._connection.stream(token, record.stream_id, text, finish=True)
        except Refusal as refusal:
            if not (repeated and refusal.code == STREAM_EXPIRED):
                return lost  # Whatever the reason is, the answer may arrive as a message.
            # The previous call has ended the stream; only its acknowledgement was lost.
        except Transient:
            self._ending[record.stream_id] = True
            if len(self._ending) > _MAX_ENDS:
                self._ending.popitem(last=False)
            raise
        return msgspec.structs.replace(record, state="done", messages=1)

    def _remember(self, stream_id: str, text: str) -> None:
        self._shown[stream_id] = hash(text)
        self._shown.move_to_end(stream_id)
        if len(self._shown) > _MAX_SHOWN:
            self._shown.popitem(last=False)


def _token(content: ChatContent) -> str:
    return content.origin.token if content.origin is not None else ""
