"""Everything about keys in one place: built once for a server, or for a command in the terminal."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from thinkaloud.auth.administration import KeyAdministration
from thinkaloud.auth.audit import AuditLog
from thinkaloud.auth.authenticator import KeyAuthenticator
from thinkaloud.auth.carriers.local_key import LocalKey
from thinkaloud.auth.carriers.proxy import TrustedProxies
from thinkaloud.auth.carriers.tickets import Tickets
from thinkaloud.auth.keyring import Ended, Keyring
from thinkaloud.auth.logins import Logins
from thinkaloud.auth.policies import Policies
from thinkaloud.auth.refusals import Refusals, Sender
from thinkaloud.auth.settings import AuthSettings
from thinkaloud.auth.throttle import Throttle
from thinkaloud.errors import StoreError
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.keys import KeyStore
from thinkaloud.ports.principal import Principal, ReasoningPolicy
from thinkaloud.ports.tasks import owned_tasks

_TICK_SECONDS: Final = 1.0
_CLEAN_MS: Final = 3_600_000
_log = logging.getLogger(__name__)


class Access:
    """Keys, sessions, tickets and the audit log of a server."""

    def __init__(
        self,
        store: KeyStore,
        clock: Clock,
        settings: AuthSettings | None = None,
        *,
        reasoning: ReasoningPolicy = "allow",
        proxy_secret: str | None = None,
        local_key: LocalKey | None = None,
    ) -> None:
        settings = settings or AuthSettings()
        self.settings = settings
        self.store = store
        self.policies = Policies(settings, reasoning)
        self.keyring = Keyring(store, clock)
        self.tickets = Tickets(clock)
        self.audit = AuditLog(store, clock, settings.audit_days)
        self.administration = KeyAdministration(store, self.keyring, self.audit, clock)
        self._throttle = Throttle(clock)
        self._refusals = Refusals(clock)
        self.authenticator = KeyAuthenticator(
            self.keyring,
            self.tickets,
            self._throttle,
            TrustedProxies(settings, proxy_secret),
            self.policies,
            local_key,
        )
        self.logins = Logins(store, self.keyring, self.audit, clock)
        self._clock = clock

    @asynccontextmanager
    async def open(
        self, on_end: Callable[[Ended], Awaitable[None]] | None = None
    ) -> AsyncGenerator[None]:
        """Load the keys, and watch for changes and expiry until the block is left.

        `on_end` is called when credentials have ended. In mode `off` there is nothing to watch.
        Raises `StoreError`.
        """
        if on_end is not None:
            self.keyring.on_end = on_end
        await self.keyring.announce()
        if self.settings.mode == "off":
            yield
            return
        async with owned_tasks() as tasks:
            watching = tasks.create_task(self._watch())
            try:
                yield
            finally:
                watching.cancel()
        await self.keyring.save()

    async def tick(self) -> None:
        """Notice what has ended, and report wrong credentials. Raises `StoreError`."""
        await self.keyring.announce()
        await self.keyring.save_if_due()
        refused = self._throttle.report()
        if refused is not None:
            await self.audit.record_refusals(refused)
        forbidden = self._refusals.report()
        if forbidden:
            await self.audit.record_forbidden(forbidden)

    def count_forbidden(self, principal: Principal | None, address: str | None) -> None:
        """Count a request that was not permitted; None if its credential was not read."""
        if self.settings.mode != "off":
            owner = "" if principal is None else principal.owner
            key_id = None if principal is None else principal.key_id
            self._refusals.count(Sender(owner, key_id, address))

    async def clean(self) -> None:
        """Delete ended sessions, old keys and old audit entries. Raises `StoreError`."""
        await self.logins.clean()
        await self.administration.clean(self.settings.audit_days)
        await self.audit.trim()

    async def _watch(self) -> None:
        cleaned_ms: int | None = None
        while True:
            try:
                await self.tick()
                now = self._clock.steady_ms()
                if cleaned_ms is None or now - cleaned_ms >= _CLEAN_MS:
                    cleaned_ms = now
                    await self.clean()
            except StoreError as error:
                _log.warning("%s", error.message)
            await self._clock.sleep(_TICK_SECONDS)
