"""The keys and sessions that are valid now, in memory, kept in step with the store."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from hmac import compare_digest
from typing import Final

import msgspec

from thinkaloud.auth.secret_values import KeyValue
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.keys import ApiKey, KeySecret, KeyStore, Session

SESSION_MS: Final = 30 * 86_400_000
SESSION_IDLE_MS: Final = 7 * 86_400_000
_SESSION_TOUCH_MS: Final = 3_600_000
_SAVE_MS: Final = 60_000
_Permissions = tuple[object, ...]
_NO_SECRETS: Final = (KeySecret(0, bytes(32)),)


class Verified(msgspec.Struct, frozen=True):
    """A credential that is valid: a key, or a session that the key has opened."""

    key: ApiKey
    secret_number: int
    session: Session | None = None

    @property
    def credential(self) -> str:
        """The credential's name. It is no secret: nobody can log in with it."""
        return _name(self.key.key_id, self.secret_number, self.session)


class Ended(msgspec.Struct, frozen=True):
    """Credentials that were valid a moment ago, and no longer are."""

    key_ids: frozenset[str]
    """Keys that were revoked or have expired."""
    credentials: frozenset[str]
    """The names (`Verified.credential`) of everything that ended: former secrets and sessions,
    too."""
    changed: frozenset[str] = frozenset()
    """The names of credentials that are still valid, but whose owner, scopes or reasoning policy
    changed: what they have open was permitted by the former ones."""


class Keyring:
    """Verifies keys and sessions without I/O, and notices changes by other processes.

    A credential that isn't known is looked up in the store again, so that a key works as soon as
    it is created.
    """

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        self.on_end: Callable[[Ended], Awaitable[None]] = _ignore
        """Called within a second or so of the end of a credential."""
        self._store = store
        self._clock = clock
        self._revision: int | None = None
        self._keys: dict[str, ApiKey] = {}
        self._sessions: dict[bytes, Session] = {}
        self._valid: dict[str, _Permissions] = {}
        self._live: frozenset[str] = frozenset()
        self._refreshing = asyncio.Lock()
        self._used: dict[str, int] = {}
        self._sessions_used: dict[bytes, int] = {}
        self._saved_ms = clock.unix_ms()

    async def find_key(self, value: KeyValue) -> Verified | None:
        """Verify a key; None if it is unknown, wrong, revoked or expired."""
        found = self._match(value)
        if found is None and await self.refresh():
            found = self._match(value)
        return found

    async def find_session(self, digest: bytes) -> Verified | None:
        """Verify a session; None if it is unknown or has ended."""
        found = self._session(digest)
        if found is None and await self.refresh():
            found = self._session(digest)
        return found

    def find(self, credential: str) -> Verified | None:
        """Return a credential by its name, with its key's current state; None if it has ended."""
        key_id, _, rest = credential.partition(".")
        number, _, digest = rest.partition(".")
        if digest:
            return self._session(bytes.fromhex(digest))
        now = self._clock.unix_ms()
        key = self._keys.get(key_id)
        if key is None or not key.is_live(now) or not key.has_secret(int(number), now):
            return None
        return Verified(key, int(number))

    def mark_used(self, verified: Verified) -> None:
        """Note that a credential was used now. Saved once a minute."""
        now = self._clock.unix_ms()
        self._used[verified.key.key_id] = now
        session = verified.session
        if session is not None and now - session.last_used_ms > _SESSION_TOUCH_MS:
            self._sessions_used[session.digest] = now
            self._sessions[session.digest] = msgspec.structs.replace(session, last_used_ms=now)

    def sessions_of(self, key_id: str) -> list[Session]:
        """Return the sessions of a key, oldest first."""
        return [each for each in self._sessions.values() if each.key_id == key_id]

    async def refresh(self) -> bool:
        """Load what has changed in the store. Returns whether anything has."""
        async with self._refreshing:
            # Before the contents: a change in between is found the next time.
            revision = await self._store.revision()
            if revision == self._revision:
                return False
            keys = await self._store.keys()
            sessions = await self._store.sessions()
            self._keys = {key.key_id: key for key in keys}
            self._sessions = {session.digest: session for session in sessions}
            self._revision = revision
            return True

    async def announce(self) -> None:
        """Load changes, and call `on_end` if a credential has ended or changed since the last call."""
        await self.refresh()
        before, live_before = self._valid, self._live
        now = self._clock.unix_ms()
        live = {key.key_id: key for key in self._keys.values() if key.is_live(now)}
        self._live = frozenset(live)
        valid = {
            _name(key.key_id, secret.number, None): key
            for key in live.values()
            for secret in key.secrets
            if secret.is_valid(now)
        }
        for each in self._sessions.values():
            if self._lasts(each, now):
                valid[_name(each.key_id, each.secret_number, each)] = live[each.key_id]
        self._valid = {name: _permissions(key) for name, key in valid.items()}
        ended = Ended(
            live_before - self._live,
            frozenset(before.keys() - self._valid.keys()),
            frozenset(
                name
                for name, permissions in self._valid.items()
                if before.get(name, permissions) != permissions
            ),
        )
        if ended.credentials or ended.key_ids or ended.changed:
            await self.on_end(ended)

    async def save_if_due(self) -> None:
        """Save when credentials were last used, if that was a minute ago or more."""
        if self._clock.unix_ms() - self._saved_ms >= _SAVE_MS:
            await self.save()

    async def save(self) -> None:
        """Save when credentials were last used."""
        self._saved_ms = self._clock.unix_ms()
        used, self._used = self._used, {}
        if used:
            await self._store.mark_used(used)
        sessions_used, self._sessions_used = self._sessions_used, {}
        if sessions_used:
            await self._store.mark_sessions_used(sessions_used)

    def dead_sessions(self) -> Collection[bytes]:
        """Return the digests of sessions that have ended, but are still stored."""
        now = self._clock.unix_ms()
        return [each.digest for each in self._sessions.values() if not self._lasts(each, now)]

    def _match(self, value: KeyValue) -> Verified | None:
        now = self._clock.unix_ms()
        # Computed and compared for unknown ids, too, so that they take as long as known ones.
        digest = value.digest()
        key = self._keys.get(value.key_id)
        number = 0
        for secret in _NO_SECRETS if key is None else key.secrets:
            if compare_digest(secret.digest, digest) and secret.is_valid(now):
                number = secret.number
        if key is None or number == 0 or not key.is_live(now):
            return None
        return Verified(key, number)

    def _session(self, digest: bytes) -> Verified | None:
        # A digest is no secret of the client's: that a lookup isn't constant-time reveals nothing.
        session = self._sessions.get(digest)
        if session is None or not self._lasts(session, self._clock.unix_ms()):
            return None
        return Verified(self._keys[session.key_id], session.secret_number, session)

    def _lasts(self, session: Session, now_ms: int) -> bool:
        key = self._keys.get(session.key_id)
        return (
            key is not None
            and key.is_live(now_ms)
            and key.has_secret(session.secret_number, now_ms)
            and now_ms < session.created_at_ms + SESSION_MS
            and now_ms < session.last_used_ms + SESSION_IDLE_MS
        )


def _permissions(key: ApiKey) -> _Permissions:
    """Return what an open stream relies on. Everything else is checked when a run starts."""
    return (key.owner, key.role, key.scopes, key.reasoning)


def _name(key_id: str, secret_number: int, session: Session | None) -> str:
    name = f"{key_id}.{secret_number}"
    return name if session is None else f"{name}.{session.digest.hex()}"


async def _ignore(ended: Ended) -> None:
    """Do nothing."""
