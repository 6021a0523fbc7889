"""The port for what clients of other protocols rely on, and the event log doesn't have.

Examples are the reasoning of responses whose conversation only the client has, and the options of a
response that can be retrieved. Records survive a restart. Their number, size and age are limited.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

RecordKind = Literal["turn", "response"]
"""`turn`: a response, to give its model the reasoning back. `response`: one of the Responses API."""


class ProtocolRecord(msgspec.Struct, frozen=True, gc=False):
    """A record. Its owner, kind and name identify it."""

    owner: str
    kind: RecordKind
    name: str
    saved_at_ms: int
    value: bytes
    conversation_id: str = ""
    """The conversation that it belongs to; empty: none."""
    number: int = 0
    """Given by the store. It rises with every save."""


class RecordLimits(msgspec.Struct, frozen=True):
    """How many records of a kind are kept, of all owners together."""

    max_records: int
    max_bytes: int
    """Maximum size of all values."""
    max_age_ms: float


class ProtocolRecords(Protocol):
    """Stores records. Raises `StoreError`."""

    @property
    def shared(self) -> bool:
        """Whether other processes save records, too, while this one uses the store."""
        ...

    async def secret(self, name: str) -> bytes:
        """Return 32 random bytes, which are always the same for this name."""
        ...

    async def save(self, record: ProtocolRecord) -> None:
        """Save a record. It replaces the one with the same owner, kind and name."""
        ...

    async def find(self, owner: str, kind: RecordKind, name: str) -> ProtocolRecord | None:
        """Look up a record."""
        ...

    async def newer(self, kind: RecordKind, after: int = 0) -> Sequence[ProtocolRecord]:
        """Return the records of all owners whose number is above `after`, oldest first."""
        ...

    async def has_conversation(self, owner: str, kind: RecordKind, conversation_id: str) -> bool:
        """Whether any record belongs to a conversation."""
        ...

    async def delete(self, owner: str, kind: RecordKind, name: str) -> None:
        """Delete a record, if there is one."""
        ...

    async def trim(
        self, kind: RecordKind, limits: RecordLimits, now_ms: int
    ) -> Sequence[ProtocolRecord]:
        """Delete the records that are too old, and the oldest of those that are too many.

        The newest one is only deleted for its age. Returns the deleted ones, with empty values.
        """
        ...

    async def rename_owner(self, owner: str, new: str) -> None:
        """Give all records of an owner to `new`. Where `new` has one already, that one is kept."""
        ...

    async def delete_owner(self, owner: str) -> None:
        """Delete all records of an owner."""
        ...
