"""The responses that can be retrieved and continued.

A response is a run. Unless the client names a conversation, the run's conversation is temporary:
in memory, not listed, and deleted with the last of its responses.
"""

from collections import OrderedDict
from typing import Final

import msgspec

from thinkaloud.errors import NotFound
from thinkaloud.events.prompt import Turn
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.server.wires.openai_responses.objects import Echo, Shown, response_id

MAX_RESPONSES: Final = 1_000
MAX_BYTES: Final = 64 * 2**20
"""The maximum size of all input items."""
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
    size: int = 0
    """The size of the request in bytes."""

    @property
    def id(self) -> str:
        """The id of the response."""
        return response_id(self.record.run_id)


class KeptResponses:
    """The latest responses of all owners, in memory and bounded."""

    def __init__(
        self, runs: Runs, max_responses: int = MAX_RESPONSES, max_bytes: int = MAX_BYTES
    ) -> None:
        self._runs = runs
        self._max_responses = max_responses
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, str], KeptResponse] = OrderedDict()
        self._continued: set[tuple[str, str]] = set()
        self._bytes = 0

    async def add(self, response: KeptResponse) -> None:
        """Keep a response, and drop the oldest ones that are too many."""
        self._kept[response.record.owner, response.id] = response
        self._bytes += response.size
        while len(self._kept) > self._max_responses or self._bytes > self._max_bytes:
            owner, name = next(iter(self._kept))
            if name == response.id:
                break
            await self._drop(owner, name)

    async def find(self, owner: str, name: str) -> KeptResponse:
        """Return a response: kept, or of a stored conversation. Raises `NotFound`."""
        kept = self._kept.get((owner, name))
        if kept is not None:
            self._kept.move_to_end((owner, name))
            return kept
        try:
            record = await self._runs.record(owner, f"run_{name.removeprefix('resp_')}")
            found = await self._runs.conversations.get(owner, record.conversation_id)
        except NotFound:
            raise _missing(name) from None
        if found.temporary or not name.startswith("resp_"):
            raise _missing(name)
        return KeptResponse(record=record)

    def is_first_to_continue(self, response: KeptResponse) -> bool:
        """Whether no other request has continued this response. From now on, one has."""
        key = (response.record.owner, response.id)
        if key in self._continued:
            return False
        if key in self._kept:
            self._continued.add(key)
        return True

    def keeps(self, owner: str, conversation_id: str) -> bool:
        """Whether any response of a conversation is kept."""
        key = (owner, conversation_id)
        records = (each.record for each in self._kept.values())
        return any((record.owner, record.conversation_id) == key for record in records)

    async def delete(self, response: KeptResponse) -> None:
        """Delete a response, and its conversation if it has no other. Its run is stopped."""
        record = response.record
        await self._runs.active.stop(record.run_id)
        if (record.owner, response.id) in self._kept:
            await self._drop(record.owner, response.id)

    async def _drop(self, owner: str, name: str) -> None:
        response = self._kept.pop((owner, name))
        self._continued.discard((owner, name))
        self._bytes -= response.size
        conversation_id = response.record.conversation_id
        if not self.keeps(owner, conversation_id):
            await self.discard(owner, conversation_id)

    async def discard(self, owner: str, conversation_id: str) -> None:
        """Delete a conversation if it is temporary."""
        try:
            found = await self._runs.conversations.get(owner, conversation_id)
        except NotFound:
            return
        if found.temporary:
            await self._runs.conversations.discard(owner, conversation_id)


def _missing(name: str) -> NotFound:
    return NotFound(f"There is no response {name!r}.")
