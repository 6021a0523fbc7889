"""A key store in memory. Keys are lost when the process ends."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from thinkaloud.ports.keys import ApiKey, AuditEntry, LastAdminKey, Session
from thinkaloud.ports.selections import Selection


class MemoryUsage:
    """Implements `UsageStore` for one process."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[int, int]] = {}
        """The day, and the tokens of that day."""

    async def tokens(self, day: int) -> Mapping[str, int]:
        """Return the tokens of each account on this day."""
        return {name: tokens for name, (of, tokens) in self._tokens.items() if of == day}

    async def add(self, day: int, tokens: Mapping[str, int]) -> None:
        """Add tokens of this day, and delete those of earlier days."""
        self._tokens = {name: each for name, each in self._tokens.items() if each[0] >= day}
        for name, number in tokens.items():
            self._add(name, day, number)

    async def rename(self, accounts: Mapping[str, str]) -> None:
        """Move the tokens of accounts to others."""
        for name, new in accounts.items():
            if name in self._tokens:
                self._add(new, *self._tokens.pop(name))

    async def delete(self, accounts: Collection[str]) -> None:
        """Delete the tokens of accounts."""
        for name in accounts:
            self._tokens.pop(name, None)

    def _add(self, name: str, day: int, tokens: int) -> None:
        latest, before = self._tokens.get(name, (day, 0))
        if latest <= day:
            self._tokens[name] = (day, tokens + (before if latest == day else 0))


class MemorySelections:
    """Implements `SelectionStore` for one process."""

    def __init__(self) -> None:
        self._selected: dict[str, Selection] = {}

    async def all(self) -> Mapping[str, Selection]:
        """Return the selection of each owner, the latest last."""
        return dict(self._selected)

    async def save(self, owner: str, selection: Selection, *, keep: int) -> None:
        """Set what an owner has selected."""
        self._selected.pop(owner, None)
        self._selected[owner] = selection
        for oldest in list(self._selected)[:-keep]:
            del self._selected[oldest]

    async def rename(self, owner: str, new: str) -> None:
        """Give an owner's selection to `new`."""
        if owner in self._selected:
            self._selected.setdefault(new, self._selected.pop(owner))

    async def delete(self, owner: str) -> None:
        """Delete an owner's selection."""
        self._selected.pop(owner, None)


class MemoryKeyStore:
    """Implements `KeyStore` for one process."""

    def __init__(self) -> None:
        self.usage = MemoryUsage()
        """The tokens that keys, owners and roles have used."""
        self.selections = MemorySelections()
        """The models and efforts that owners have selected."""
        self._keys: dict[str, ApiKey] = {}
        self._sessions: dict[bytes, Session] = {}
        self._audit: list[AuditEntry] = []
        self._numbered = 0
        self._revision = 0

    async def revision(self) -> int:
        """Return a number that changes with every change."""
        return self._revision

    async def keys(self) -> Sequence[ApiKey]:
        """Return all keys, oldest first."""
        return list(self._keys.values())

    async def add_key(self, key: ApiKey) -> bool:
        """Add a key. Returns False if its id exists."""
        if key.key_id in self._keys:
            return False
        self._keys[key.key_id] = key
        self._revision += 1
        return True

    async def change_key(
        self, before: ApiKey, after: ApiKey, *, keep_admin_at_ms: int | None = None
    ) -> bool:
        """Replace a key. Returns False if it is no longer `before`."""
        found = self._keys.get(before.key_id)
        if found is None or _without_use(found) != _without_use(before):
            return False
        if keep_admin_at_ms is not None:
            changed = {**self._keys, after.key_id: after}
            if not any(each.is_admin(keep_admin_at_ms) for each in changed.values()):
                raise LastAdminKey
        self._keys[before.key_id] = msgspec.structs.replace(after, last_used_ms=found.last_used_ms)
        self._revision += 1
        return True

    async def forget_keys(self, key_ids: Collection[str]) -> None:
        """Delete keys and their sessions."""
        for key_id in key_ids:
            self._keys.pop(key_id, None)
        await self.end_sessions([d for d, s in self._sessions.items() if s.key_id in key_ids])

    async def mark_used(self, at_ms: Mapping[str, int]) -> None:
        """Set when keys were last used."""
        for key_id, when in at_ms.items():
            if key_id in self._keys:
                self._keys[key_id] = msgspec.structs.replace(self._keys[key_id], last_used_ms=when)

    async def sessions(self) -> Sequence[Session]:
        """Return all sessions, oldest first."""
        return list(self._sessions.values())

    async def add_session(self, session: Session) -> None:
        """Add a session."""
        self._sessions[session.digest] = session
        self._revision += 1

    async def end_sessions(self, digests: Collection[bytes]) -> None:
        """Delete sessions."""
        for digest in digests:
            self._sessions.pop(digest, None)
        self._revision += 1

    async def mark_sessions_used(self, at_ms: Mapping[bytes, int]) -> None:
        """Set when sessions were last used."""
        for digest, when in at_ms.items():
            if digest in self._sessions:
                session = self._sessions[digest]
                self._sessions[digest] = msgspec.structs.replace(session, last_used_ms=when)

    async def append_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries to the audit log."""
        for entry in entries:
            self._numbered += 1
            self._audit.append(msgspec.structs.replace(entry, number=self._numbered))

    async def audit(
        self, *, before: int | None = None, limit: int, by: str | None = None
    ) -> Sequence[AuditEntry]:
        """Return entries, newest first."""
        found = [
            each
            for each in self._audit
            if (before is None or each.number < before) and by in {None, each.by}
        ]
        return found[::-1][:limit]

    async def trim_audit(self, *, before_ms: int, keep: int) -> None:
        """Delete old entries."""
        newest = self._audit[max(0, len(self._audit) - keep) :]
        self._audit = [each for each in newest if each.at_ms >= before_ms]


def _without_use(key: ApiKey) -> ApiKey:
    return msgspec.structs.replace(key, last_used_ms=None)
