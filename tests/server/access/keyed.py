"""A server that requires keys, for the tests of its endpoints."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from tests.auth.people import ADMIN
from tests.server.serving import Served, serving
from thinkaloud.auth.access import Access
from thinkaloud.auth.administration import Issued
from thinkaloud.auth.key_fields import KeyFields
from thinkaloud.auth.settings import AuthSettings
from thinkaloud.ports.clock import Clock, SystemClock
from thinkaloud.ports.keys import KeyStore
from thinkaloud.ports.store import Store
from thinkaloud.stores.keys import MemoryKeyStore
from thinkaloud.testing import ScriptedModel, say

Headers = dict[str, str]


class Keyed:
    """A server, and its keys."""

    def __init__(self, served: Served, access: Access) -> None:
        self.served = served
        self.access = access
        self.url = served.url
        self.socket_url = served.url.replace("http", "ws", 1)

    async def key(self, name: str = "ada", **fields: Any) -> Issued:
        """Create a key."""
        return await self.access.administration.create(KeyFields(name=name, **fields), ADMIN)

    async def bearer(self, name: str = "ada", **fields: Any) -> Headers:
        """Create a key, and return the header with it."""
        return bearer(await self.key(name, **fields))

    async def ask(
        self, method: str, path: str, headers: Headers | None = None, body: object = None
    ) -> tuple[int, Any, Headers]:
        """Send a request; return the status, the JSON, and the headers."""
        given = {} if body is None else {"json": body}
        async with self.served.session.request(
            method, self.served.api + path, headers=headers, **given
        ) as response:
            text = await response.text()
            content = await response.json(content_type=None) if text else None
            return response.status, content, dict(response.headers)

    async def log_in(self, issued: Issued, origin: str | None = None) -> Headers:
        """Log in as a page; return the header with the cookie."""
        origin = origin or self.url
        body = {"key": issued.value.text()}
        status, _, headers = await self.ask("POST", "/session", {"Origin": origin}, body)
        assert status == 200
        return {"Cookie": headers["Set-Cookie"].partition(";")[0]}


@asynccontextmanager
async def keyed(
    auth: AuthSettings | None = None,
    *,
    model: ScriptedModel | None = None,
    store: KeyStore | None = None,
    conversations: Store | None = None,
    clock: Clock | None = None,
    **settings: Any,
) -> AsyncGenerator[Keyed]:
    """Serve with keys."""
    access = Access(
        store or MemoryKeyStore(), clock or SystemClock(), auth or AuthSettings(mode="keys")
    )
    async with serving(
        model or ScriptedModel(*[[say("Hi")]] * 99),
        authenticator=access.authenticator,
        access=access,
        store=conversations,
        **settings,
    ) as served:
        access.keyring.on_end = served.app.end
        await access.keyring.announce()
        # Without it, the client's own cookie jar would send cookies along.
        served.session.cookie_jar.clear()
        yield Keyed(served, access)


def bearer(issued: Issued) -> Headers:
    """The header with a key."""
    return {"Authorization": f"Bearer {issued.value.text()}"}
