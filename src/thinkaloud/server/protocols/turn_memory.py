"""The server's own responses, for clients that send the conversation with each request.

What such a client sends as the assistant's reasoning, signatures or calls of the server's tools can
be forged, and most clients leave it out. The memory has the responses that this server really
gave. A response in a client's history is replaced by it, so that the provider gets its own
reasoning back, and nothing that a client invented.
"""

import hashlib
import logging
import math
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

from thinkaloud.core.prompt_history import FindPayload, turns
from thinkaloud.errors import StoreError
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import (
    AssistantTurn,
    ReasoningPart,
    ToolResult,
    ToolTurn,
    Turn,
    UserTurn,
)
from thinkaloud.events.view import ToolBlock
from thinkaloud.ports.clock import Clock, SystemClock
from thinkaloud.ports.protocols.records import ProtocolRecord, ProtocolRecords, RecordLimits

LIMITS: Final = RecordLimits(max_records=4_096, max_bytes=32 * 2**20, max_age_ms=math.inf)
_SAVES_PER_TRIM: Final = 32
"""The store may exceed the limits by this many responses."""
_log = logging.getLogger(__name__)
_encode: Final = msgspec.json.Encoder().encode

Calls = Iterable[tuple[str, str]]
"""Calls of the client's tools: id, empty if the protocol has none, and name."""


class Response(msgspec.Struct, frozen=True):
    """A response of this server."""

    turns: tuple[Turn, ...]
    """From the first model call to the last, without the results of the last one's tool calls."""
    results: tuple[ToolResult, ...]
    """Results of the server's own tools that the last model call called beside the client's."""


_decode: Final = msgspec.json.Decoder(Response).decode


class TurnMemory:
    """The latest responses, by owner and by what the client has of them. Bounded, and expiring.

    They are in memory, and also saved if there are `records`: `refresh` brings back what was saved
    before a restart, or by other processes.
    """

    def __init__(
        self,
        records: ProtocolRecords | None = None,
        limits: RecordLimits = LIMITS,
        clock: Clock | None = None,
    ) -> None:
        self._records = records
        self._limits = limits
        self._clock = clock or SystemClock()
        self._responses: OrderedDict[tuple[str, str], tuple[bytes, int]] = OrderedDict()
        """Encoded, with the time when they were kept, the one that was used last at the end."""
        self._bytes = 0
        self._read_to: int | None = None
        """The last record that was read; None: none yet."""
        self._saved = 0

    async def refresh(self) -> None:
        """Add the saved responses that are not known yet. A failure is logged."""
        records = self._records
        if records is None or (self._read_to is not None and not records.shared):
            return
        try:
            found = await records.newer("turn", self._read_to or 0)
        except StoreError as error:
            _log.warning("Responses of other protocols cannot be remembered: %s", error.message)
            return
        self._read_to = found[-1].number if found else self._read_to or 0
        for record in found:
            self._put((record.owner, record.name), record.value, record.saved_at_ms)

    async def keep(
        self,
        owner: str,
        before: Turn | None,
        find_payload: FindPayload | None,
        run: RunFold,
        *,
        has_ids: bool = True,
        saves: bool = True,
    ) -> None:
        """Keep the response to the turn `before`, if a client has only a part of it.

        `find_payload` finds the provider's payloads that the log must not have. `has_ids` is whether
        the client has the ids of tool calls: otherwise, only their names count. Without `saves`,
        the response is in memory only. A failure to save it is logged.
        """
        response = turns([run], find_payload=find_payload)
        found = [turn for turn in response if not isinstance(turn, UserTurn)]
        view = run.view()
        blocks = [block for block in view.blocks if isinstance(block, ToolBlock)]
        results: tuple[ToolResult, ...] = ()
        if found and isinstance(found[-1], ToolTurn):
            own = {block.tool_call_id for block in blocks if block.status != "requested"}
            results = tuple(each for each in found[-1].results if each.tool_call_id in own)
            found.pop()
        if len(found) > 1 or results or any(map(_has_reasoning, found)):
            calls = [
                (each.tool_call_id if has_ids else "", each.name)
                for each in blocks
                if each.status == "requested"
            ]
            name = _name(before, view.response, calls)
            value = _encode(Response(tuple(found), results))
            if len(value) > self._limits.max_bytes:
                return
            now_ms = self._clock.unix_ms()
            self._put((owner, name), value, now_ms)
            if saves:
                await self._save(ProtocolRecord(owner, "turn", name, now_ms, value))

    def recall(self, owner: str, before: Turn | None, answer: str, calls: Calls) -> Response | None:
        """Return the response to the turn `before` that a client has as this text and these calls."""
        key = (owner, _name(before, answer, calls))
        value, kept_at_ms = self._responses.get(key, (b"", 0))
        if not value or kept_at_ms < self._oldest_ms():
            return None
        self._responses.move_to_end(key)
        try:
            return _decode(value)
        except msgspec.MsgspecError:
            return None  # Another version saved it.

    async def trim(self) -> None:
        """Delete what is too old. Raises `StoreError`."""
        oldest_ms = self._oldest_ms()
        for key, (value, kept_at_ms) in list(self._responses.items()):
            if kept_at_ms < oldest_ms:
                del self._responses[key]
                self._bytes -= len(value)
        if self._records is not None:
            await self._records.trim("turn", self._limits, self._clock.unix_ms())

    async def _save(self, record: ProtocolRecord) -> None:
        if self._records is None:
            return
        try:
            await self._records.save(record)
            self._saved += 1
            if self._saved % _SAVES_PER_TRIM == 0:
                await self._records.trim("turn", self._limits, record.saved_at_ms)
        except StoreError as error:
            _log.warning("A response was not saved, to remember its reasoning: %s", error.message)

    def _put(self, key: tuple[str, str], value: bytes, kept_at_ms: int) -> None:
        self._bytes -= len(self._responses.pop(key, (b"", 0))[0])
        self._responses[key] = (value, kept_at_ms)
        self._bytes += len(value)
        limits = self._limits
        while self._bytes > limits.max_bytes or len(self._responses) > limits.max_records:
            _, (dropped, _) = self._responses.popitem(last=False)
            self._bytes -= len(dropped)

    def _oldest_ms(self) -> float:
        return self._clock.unix_ms() - self._limits.max_age_ms


def _has_reasoning(turn: Turn) -> bool:
    return isinstance(turn, AssistantTurn) and (
        turn.native is not None or any(isinstance(part, ReasoningPart) for part in turn.parts)
    )


def _name(before: Turn | None, answer: str, calls: Calls) -> str:
    # Clients trim answers, so white space at the ends does not count.
    shown = (_text(before), answer.strip(), sorted(calls))
    return hashlib.blake2b(_encode(shown), digest_size=16).hexdigest()


def _text(turn: Turn | None) -> str | list[str]:
    match turn:
        case UserTurn():
            return turn.text.strip()
        case ToolTurn():
            return [result.content for result in turn.results]
        case _:
            return ""
