"""The port for API keys, the sessions that they open, and the audit log.

Other processes may read and write the same store: the server and `thinkaloud keys` do.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Protocol

import msgspec
from typing_extensions import override

from thinkaloud.events.prompt import Effort
from thinkaloud.ports.principal import ReasoningField, ReasoningPolicy, Role, Scope, UsageLimits
from thinkaloud.ports.selections import SelectionStore
from thinkaloud.ports.usage import UsageStore

Act = Literal[
    "key.created",
    "key.changed",
    "key.rotated",
    "key.revoked",
    "login",
    "logout",
    "refused",
    "policy.changed",
    "approval",
    "owner.renamed",
    "owner.deleted",
]
"""What an entry of the audit log reports."""


class KeySecret(msgspec.Struct, frozen=True):
    """The secret of a key, as a digest. Its `repr` doesn't show the digest."""

    number: int
    """Counts the secrets of a key. A session ends with the secret that opened it."""
    digest: bytes
    valid_until_ms: int | None = None
    """Set when a newer secret has replaced this one."""

    @override
    def __repr__(self) -> str:
        return f"KeySecret({self.number!r}, valid_until_ms={self.valid_until_ms!r})"

    def is_valid(self, now_ms: int) -> bool:
        """Whether the secret can be used at this time, in Unix milliseconds."""
        return self.valid_until_ms is None or now_ms < self.valid_until_ms


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key: who uses it, and what it may do."""

    key_id: str
    name: str
    owner: str
    role: Role
    scopes: frozenset[Scope]
    secrets: tuple[KeySecret, ...]
    """The current secret, and former ones within their grace period."""
    created_at_ms: int
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None
    models: tuple[str, ...] = ()
    """Glob patterns of the models it may use; empty: all."""
    max_effort: Effort | None = None
    reasoning: ReasoningPolicy = "allow"
    reasoning_field: ReasoningField | None = None
    limits: UsageLimits = UsageLimits()
    last_used_ms: int | None = None
    """To the minute. None: never."""

    def is_live(self, now_ms: int) -> bool:
        """Whether the key is neither revoked nor expired at this time, in Unix milliseconds."""
        return self.revoked_at_ms is None and (
            self.expires_at_ms is None or now_ms < self.expires_at_ms
        )

    def is_admin(self, now_ms: int) -> bool:
        """Whether the key is live and may manage keys."""
        return self.is_live(now_ms) and self.role == "admin" and "admin" in self.scopes

    def has_secret(self, number: int, now_ms: int) -> bool:
        """Whether the secret with this number can be used at this time."""
        return any(each.number == number and each.is_valid(now_ms) for each in self.secrets)


class Session(msgspec.Struct, frozen=True):
    """A login with a key. Its `repr` doesn't show the digest."""

    digest: bytes
    """The digest of the cookie's value, which identifies the session."""
    key_id: str
    secret_number: int
    created_at_ms: int
    last_used_ms: int

    @override
    def __repr__(self) -> str:
        return f"Session(key_id={self.key_id!r}, created_at_ms={self.created_at_ms!r})"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the audit log. It never contains a key."""

    at_ms: int
    act: Act
    by: str
    """Who did it: an owner, `terminal` or `configuration`. Empty if unknown."""
    key_id: str | None = None
    """The key that it is about."""
    address: str | None = None
    """The client's IP address."""
    request_id: str | None = None
    detail: str = ""
    number: int = 0
    """The position in the log, set by the store."""


class LastAdminKey(Exception):
    """A change would leave no live admin key."""


class KeyStore(Protocol):
    """Stores keys, sessions and audit entries. Every call is atomic. Raises `StoreError`."""

    @property
    def usage(self) -> UsageStore:
        """The tokens that keys, owners and roles have used."""
        ...

    @property
    def selections(self) -> SelectionStore:
        """The models and efforts that owners have selected."""
        ...

    async def revision(self) -> int:
        """Return a number that changes with every change of keys and sessions by any process.

        Times of use don't count as changes.
        """
        ...

    async def keys(self) -> Sequence[ApiKey]:
        """Return all keys, oldest first, including revoked and expired ones."""
        ...

    async def add_key(self, key: ApiKey) -> bool:
        """Add a key. Returns False if its id exists."""
        ...

    async def change_key(
        self, before: ApiKey, after: ApiKey, *, keep_admin_at_ms: int | None = None
    ) -> bool:
        """Replace a key. Returns False if it is no longer `before`, apart from its last use.

        Raises `LastAdminKey` if there would be no live admin key at `keep_admin_at_ms`.
        """
        ...

    async def forget_keys(self, key_ids: Collection[str]) -> None:
        """Delete keys and their sessions. Unknown ids are ignored."""
        ...

    async def mark_used(self, at_ms: Mapping[str, int]) -> None:
        """Set when keys, by their id, were last used."""
        ...

    async def sessions(self) -> Sequence[Session]:
        """Return all sessions, oldest first."""
        ...

    async def add_session(self, session: Session) -> None:
        """Add a session."""
        ...

    async def end_sessions(self, digests: Collection[bytes]) -> None:
        """Delete sessions. Unknown digests are ignored."""
        ...

    async def mark_sessions_used(self, at_ms: Mapping[bytes, int]) -> None:
        """Set when sessions, by their digest, were last used."""
        ...

    async def append_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries to the audit log. Their `number` is ignored."""
        ...

    async def audit(
        self, *, before: int | None = None, limit: int, by: str | None = None
    ) -> Sequence[AuditEntry]:
        """Return up to `limit` entries, newest first, with a number below `before`.

        With `by`, only those of who did it.
        """
        ...

    async def trim_audit(self, *, before_ms: int, keep: int) -> None:
        """Delete entries older than a time, and all but the newest `keep`."""
        ...
