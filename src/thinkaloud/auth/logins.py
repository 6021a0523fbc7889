"""Logs in and out: sessions, which a browser uses instead of its key."""

from typing import Final

from thinkaloud.auth.audit import Actor, AuditLog
from thinkaloud.auth.keyring import Keyring, Verified
from thinkaloud.auth.secret_values import new_secret, session_digest
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.keys import KeyStore, Session
from thinkaloud.ports.principal import Principal

_MOST_PER_KEY: Final = 100


class Logins:
    """Opens and ends sessions. Raises `StoreError`."""

    def __init__(self, store: KeyStore, keyring: Keyring, audit: AuditLog, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._audit = audit
        self._clock = clock

    async def log_in(self, verified: Verified, actor: Actor) -> str:
        """Open a session of a key, and return the cookie's value.

        Beyond 100 sessions of a key, its oldest one ends.
        """
        value, now = new_secret(), self._clock.unix_ms()
        key_id = verified.key.key_id
        sessions = self._keyring.sessions_of(key_id)
        oldest = [each.digest for each in sessions[: max(0, len(sessions) + 1 - _MOST_PER_KEY)]]
        if oldest:
            await self._store.end_sessions(oldest)
        await self._store.add_session(
            Session(session_digest(value), key_id, verified.secret_number, now, now)
        )
        await self._audit.record("login", actor, key_id=key_id)
        await self._keyring.announce()
        return value

    async def log_out(self, principal: Principal, actor: Actor) -> None:
        """End the session that a principal used. Nothing happens if it used none."""
        found = self._keyring.find(principal.credential or "")
        if found is None or found.session is None:
            return
        await self._store.end_sessions([found.session.digest])
        await self._audit.record("logout", actor, key_id=found.key.key_id)
        await self._keyring.announce()

    async def clean(self) -> None:
        """Delete sessions that have ended."""
        ended = self._keyring.dead_sessions()
        if ended:
            await self._store.end_sessions(ended)
