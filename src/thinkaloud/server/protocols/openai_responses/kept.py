"""The responses that can be retrieved and continued.

A response is a run. Unless the client names a conversation, the run's conversation is unlisted, and
deleted with the last of its responses. What a response has beside its run is a `ProtocolRecord`.
"""

from collections import OrderedDict
from typing import Final

import msgspec

from thinkaloud.errors import NotFound
from thinkaloud.events.prompt import Turn
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.protocols.records import ProtocolRecord, ProtocolRecords, RecordLimits
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.server.wires.openai_responses.objects import Echo, Shown, response_id

MAX_RESPONSES: Final = 10_000
MAX_BYTES: Final = 256 * 2**20
"""The maximum size of the input items of all responses."""
_MAX_CONTINUED: Final = 10_000
_ADDED_PER_TRIM: Final = 32
"""The limits may be exceeded by this many responses."""
_NOTHING: Final = Shown(None)


class KeptResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What a response has beside its run."""

    record: RunRecord
    echo: Echo = Echo()
    shown: Shown = _NOTHING
    items: tuple[dict[str, object], ...] = ()
    """The input items."""
    history: tuple[Turn, ...] = ()
    """The turns before the first run of its conversation."""
    developer: str = ""
    """The instructions among the input items so far."""
    model: str = ""
    """The model, by its id."""

    @property
    def id(self) -> str:
        """The id of the response."""
        return response_id(self.record.run_id)


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(KeptResponse).decode


class KeptResponses:
    """The latest responses of all owners. Bounded, and expiring."""

    def __init__(
        self, runs: Runs, records: ProtocolRecords, clock: Clock, limits: RecordLimits
    ) -> None:
        self._runs = runs
        self._records = records
        self._clock = clock
        self._limits = limits
        self._added = 0
        self._continued: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def add(self, response: KeptResponse) -> None:
        """Keep a response. Raises `StoreError`."""
        record = response.record
        value = _encode(response)
        now_ms = self._clock.unix_ms()
        await self._records.save(
            ProtocolRecord(
                record.owner, "response", response.id, now_ms, value, record.conversation_id
            )
        )
        self._added += 1
        if self._added % _ADDED_PER_TRIM == 0:
            await self.trim()

    async def trim(self) -> None:
        """Delete the responses that are too old or too many. Raises `StoreError`."""
        dropped = await self._records.trim("response", self._limits, self._clock.unix_ms())
        for each in dropped:
            await self.discard_unused(each.owner, each.conversation_id)

    async def find(self, owner: str, name: str) -> KeptResponse:
        """Return a response: kept, or of a stored conversation. Raises `NotFound` or `StoreError`."""
        try:
            record = await self._runs.record(owner, f"run_{name.removeprefix('resp_')}")
            found = await self._runs.conversations.get(owner, record.conversation_id)
        except NotFound:
            raise _missing(name) from None
        kept = await self._records.find(owner, "response", name)
        if kept is not None:
            try:
                return msgspec.structs.replace(_decode(kept.value), record=record)
            except msgspec.MsgspecError:
                raise _missing(name) from None  # Another version saved it.
        if found.temporary or found.unlisted or not name.startswith("resp_"):
            raise _missing(name)
        return KeptResponse(record=record)

    def is_first_to_continue(self, response: KeptResponse) -> bool:
        """Whether no other request has just continued this response. From now on, one has."""
        key = (response.record.owner, response.id)
        if key in self._continued:
            return False
        self._continued[key] = None
        if len(self._continued) > _MAX_CONTINUED:
            self._continued.popitem(last=False)
        return True

    async def delete(self, response: KeptResponse) -> None:
        """Delete a response, and its conversation if it has no other. Its run is stopped."""
        record = response.record
        await self._runs.open_runs.stop(record)
        await self._records.delete(record.owner, "response", response.id)
        await self.discard_unused(record.owner, record.conversation_id)

    async def discard_unused(self, owner: str, conversation_id: str) -> None:
        """Delete a conversation without any response, unless it is a stored one that is listed."""
        if await self._records.has_conversation(owner, "response", conversation_id):
            return
        try:
            found = await self._runs.conversations.get(owner, conversation_id)
            if found.temporary or found.unlisted:
                await self._runs.conversations.delete(owner, conversation_id)
        except NotFound:
            return


def _missing(name: str) -> NotFound:
    return NotFound(f"There is no response {name!r}.")
