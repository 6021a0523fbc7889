"""The single sign-on example: nginx names the user, and clients can't."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.docs.examples import EXAMPLES
from tests.nginx import NAME, NGINX, USER, nginx, temporary_paths, user
from tests.server.serving import Served, serving
from thinkaloud.auth.access import Access
from thinkaloud.auth.administration import Issued
from thinkaloud.auth.audit import TERMINAL
from thinkaloud.auth.key_fields import KeyFields
from thinkaloud.config import load
from thinkaloud.ports.clock import SystemClock
from thinkaloud.stores.keys import MemoryKeyStore
from thinkaloud.testing import ScriptedModel, say, think

pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx")
SECRET = "a long random secret"
LOCATION = (EXAMPLES / "nginx" / "single_sign_on.conf").read_text(encoding="utf-8")
PAGE = {"Origin": f"https://{NAME}"}


class Site:
    """A server behind nginx, and a browser that has logged in there as `ada`."""

    def __init__(self, url: str, served: Served, access: Access) -> None:
        self.url = url
        self.served = served
        self.access = access
        self.session = served.session

    async def me(self, headers: dict[str, str], *, direct: bool = False) -> tuple[int, Any]:
        url = self.served.url if direct else self.url
        name = {} if direct else {"Host": NAME}
        async with self.session.get(f"{url}/api/v1/me", headers={**name, **headers}) as response:
            return response.status, await response.json(content_type=None)

    async def key(self) -> Issued:
        fields = KeyFields(name="program", owner="ada")
        return await self.access.administration.create(fields, TERMINAL)


@asynccontextmanager
async def site(folder: Path) -> AsyncGenerator[Site]:
    settings = load(EXAMPLES / "config" / "single_sign_on.toml", environment={}).settings
    access = Access(MemoryKeyStore(), SystemClock(), settings.auth, proxy_secret=SECRET)
    names = ("allowed_hosts", "allowed_origins")
    given = {name: getattr(settings.server, name) for name in names}
    model = ScriptedModel([think("Hm."), say("84")])
    async with (
        serving(model, access=access, authenticator=access.authenticator, **given) as served,
        nginx(folder, served.url, _configuration, LOCATION) as url,
    ):
        yield Site(url, served, access)


def _configuration(folder: Path) -> str:
    return (
        f"{user()} pid nginx.pid; events {{}}"
        f" http {{ access_log off; {temporary_paths(folder)} include site.conf; }}"
    )


async def test_a_user_of_the_site_is_an_owner_of_the_server(folder: Path) -> None:
    async with site(folder) as opened:
        status, me = await opened.me(USER)
        assert (status, me["owner"], me["role"], me["key_id"]) == (200, "ada", "user", None)
        claims = {**USER, "X-Forwarded-User": "root", "X-Proxy-Secret": "guess"}
        assert (await opened.me(claims))[1]["owner"] == "ada"


async def test_clients_cannot_set_the_user_header(folder: Path) -> None:
    async with site(folder) as opened:
        for headers in ({}, {"X-Forwarded-User": "ada"}):
            assert (await opened.me(headers, direct=True))[0] == 401
        headers = {"X-Forwarded-User": "ada", "X-Proxy-Secret": "guess"}
        assert (await opened.me(headers, direct=True))[0] == 401


async def test_a_program_uses_a_key_with_or_without_the_site(folder: Path) -> None:
    async with site(folder) as opened:
        key = (await opened.key()).value.text()
        assert (await opened.me({"x-api-key": key}, direct=True))[1]["owner"] == "ada"
        status, me = await opened.me({"x-api-key": key, **USER})
        assert (status, me["owner"], me["key_name"]) == (200, "ada", "program")


async def test_streams_and_sockets_of_a_user_pass_the_proxy(folder: Path) -> None:
    body = {"text": "Hello", "include_reasoning": True}
    headers = {"Host": NAME, **USER, **PAGE}
    async with site(folder) as opened:
        url = f"{opened.url}/api/v1/chat/stream-sse"
        async with opened.session.post(url, json=body, headers=headers) as response:
            assert b"event: complete" in await response.content.read()
        async with opened.session.ws_connect(f"{opened.url}/ws", headers=headers) as socket:
            assert json.loads(await socket.receive_str())["event"] == "ready"
        without_origin = {"Host": NAME, **USER}
        async with opened.session.post(url, json=body, headers=without_origin) as response:
            assert response.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await opened.session.ws_connect(f"{opened.url}/ws", headers=without_origin)
