"""The nginx example streams reasoning without buffering, and requires a password."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest

from tests.docs.examples import EXAMPLES
from tests.nginx import NAME, NGINX, USER, nginx, temporary_paths, user
from tests.server.api.test_upload import PNG
from tests.server.serving import serving
from thinkaloud.config import load
from thinkaloud.testing import ScriptedModel, Wait, say, think

pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx")


@asynccontextmanager
async def behind_nginx(folder: Path, model: ScriptedModel) -> AsyncGenerator[str]:
    """A server with the settings of the example, behind nginx with its configuration."""
    settings = load(EXAMPLES / "config" / "behind_nginx.toml", environment={}).settings.server
    given = {name: getattr(settings, name) for name in ("allowed_hosts", "allowed_origins")}
    async with (
        serving(model, **given) as served,
        nginx(folder, served.url, _configuration) as url,
    ):
        yield url


def _configuration(folder: Path) -> str:
    return (
        f"{user()} pid nginx.pid; events {{}}"
        f" http {{ access_log off; {temporary_paths(folder)} include site.conf; }}"
    )


async def test_reasoning_arrives_while_the_model_still_thinks(folder: Path) -> None:
    received = asyncio.Event()
    model = ScriptedModel([think("Hm."), Wait(received), say("84")])
    body = {"text": "Hello", "include_reasoning": True}
    async with (
        behind_nginx(folder, model) as url,
        aiohttp.ClientSession(headers={"Host": NAME, **USER}) as session,
        session.post(f"{url}/api/v1/chat/stream-sse", json=body) as response,
    ):
        seen = b""
        while b'"token":"Hm."' not in seen:
            seen += await response.content.readany()
        assert not received.is_set()
        received.set()
        seen += await response.content.read()
    assert b"event: complete" in seen
    assert response.headers["Cache-Control"] == "no-cache, no-transform"


async def test_the_sites_pages_can_open_a_socket(folder: Path) -> None:
    model = ScriptedModel([think("Hm."), say("84")])
    async with (
        behind_nginx(folder, model) as url,
        aiohttp.ClientSession(headers={"Host": NAME, **USER}) as session,
        session.ws_connect(f"{url}/api/v1/chat/stream", origin=f"https://{NAME}") as ws,
    ):
        await ws.send_json({"text": "Hello", "include_reasoning": True})
        names = []
        while names[-1:] != ["complete"]:
            names.append(json.loads(await ws.receive_str())["event"])
    assert "reasoning" in names


async def test_the_largest_accepted_picture_passes_the_proxy(folder: Path) -> None:
    form = aiohttp.FormData()
    form.add_field("file", BytesIO(PNG.ljust(8 * 1024 * 1024, b"\0")), filename="big.png")
    async with (
        behind_nginx(folder, ScriptedModel()) as url,
        aiohttp.ClientSession(headers={"Host": NAME, **USER}) as session,
        session.post(f"{url}/api/v1/upload", data=form) as response,
    ):
        assert response.status == 201


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": NAME}, 401),
        ({"Host": "other.example.org", **USER}, 421),
        ({"Host": NAME, "Origin": "https://evil.example.org", **USER}, 403),
    ],
)
async def test_other_clients_are_rejected(
    folder: Path, headers: dict[str, str], status: int
) -> None:
    async with (
        behind_nginx(folder, ScriptedModel()) as url,
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{url}/api/v1/conversations") as response,
    ):
        assert response.status == status
