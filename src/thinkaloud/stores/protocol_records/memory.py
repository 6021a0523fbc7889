"""Records of other protocols in memory. They are lost when the process ends."""

import secrets
from collections.abc import Sequence

import msgspec

from thinkaloud.ports.protocols.records import ProtocolRecord, RecordKind, RecordLimits

_Key = tuple[str, RecordKind, str]


class MemoryProtocolRecords:
    """Implements `ProtocolRecords` for one process."""

    shared = False

    def __init__(self) -> None:
        self._secrets: dict[str, bytes] = {}
        self._records: dict[_Key, ProtocolRecord] = {}
        """By owner, kind and name, in the order of their numbers."""
        self._number = 0

    async def secret(self, name: str) -> bytes:
        """Return the secret of this name."""
        return self._secrets.setdefault(name, secrets.token_bytes(32))

    async def save(self, record: ProtocolRecord) -> None:
        """Save a record, replacing the previous one."""
        self._number += 1
        self._records.pop(_key(record), None)
        self._records[_key(record)] = msgspec.structs.replace(record, number=self._number)

    async def find(self, owner: str, kind: RecordKind, name: str) -> ProtocolRecord | None:
        """Look up a record."""
        return self._records.get((owner, kind, name))

    async def newer(self, kind: RecordKind, after: int = 0) -> Sequence[ProtocolRecord]:
        """Return the records whose number is above `after`, oldest first."""
        return [
            each for each in self._records.values() if each.kind == kind and each.number > after
        ]

    async def has_conversation(self, owner: str, kind: RecordKind, conversation_id: str) -> bool:
        """Whether any record belongs to a conversation."""
        wanted = (owner, kind, conversation_id)
        return conversation_id != "" and any(
            (each.owner, each.kind, each.conversation_id) == wanted
            for each in self._records.values()
        )

    async def delete(self, owner: str, kind: RecordKind, name: str) -> None:
        """Delete a record, if there is one."""
        self._records.pop((owner, kind, name), None)

    async def trim(
        self, kind: RecordKind, limits: RecordLimits, now_ms: int
    ) -> Sequence[ProtocolRecord]:
        """Delete the records that are too old or too many."""
        found = list(await self.newer(kind))
        size = sum(len(each.value) for each in found)
        trimmed: list[ProtocolRecord] = []
        for place, record in enumerate(found):
            left = len(found) - place
            many = left > limits.max_records or size > limits.max_bytes
            if record.saved_at_ms < now_ms - limits.max_age_ms or (many and left > 1):
                size -= len(record.value)
                del self._records[_key(record)]
                trimmed.append(msgspec.structs.replace(record, value=b""))
            else:
                break
        return trimmed

    async def rename_owner(self, owner: str, new: str) -> None:
        """Give all records of an owner to `new`, except for those that `new` has."""
        mine = [each for each in self._records.values() if each.owner == owner]
        await self.delete_owner(owner)
        for record in mine:
            moved = msgspec.structs.replace(record, owner=new)
            self._records.setdefault(_key(moved), moved)
        self._records = dict(sorted(self._records.items(), key=lambda each: each[1].number))

    async def delete_owner(self, owner: str) -> None:
        """Delete all records of an owner."""
        self._records = {key: each for key, each in self._records.items() if each.owner != owner}


def _key(record: ProtocolRecord) -> _Key:
    return record.owner, record.kind, record.name
