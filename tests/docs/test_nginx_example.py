"""The example for nginx lets thought through as it comes, and nobody in without a password."""

import asyncio
import base64
import json
import os
import shutil
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.docs.examples import EXAMPLES
from tests.server.serving import Served, serving
from thinkaloud.config import load
from thinkaloud.testing import ScriptedModel, Wait, say, think

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
NAME = "agent.example.org"
USER = {"Authorization": "Basic " + base64.b64encode(b"ada:secret").decode()}

pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx")


@asynccontextmanager
async def behind_nginx(folder: Path, model: ScriptedModel) -> AsyncGenerator[str]:
    """A server with the settings of the example, behind nginx with its configuration."""
    settings = load(EXAMPLES / "config" / "behind_nginx.toml", environment={}).settings.server
    given = {name: getattr(settings, name) for name in ("allowed_hosts", "allowed_origins")}
    async with serving(model, **given) as served:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            # Handed over open, as nginx does to its own successor: a client may connect at once.
            port = listener.getsockname()[1]
            process = await asyncio.create_subprocess_exec(
                str(NGINX),
                *("-p", folder, "-c", _configuration(folder, served, port), "-e", "stderr"),
                env={"NGINX": f"{listener.fileno()};"},
                pass_fds=[listener.fileno()],
            )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _configuration(folder: Path, served: Served, port: int) -> Path:
    site = (EXAMPLES / "nginx" / "thinkaloud.conf").read_text(encoding="utf-8")
    own = served.url.removeprefix("http://")
    site = site.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("127.0.0.1:8484", own)
    (folder / "site.conf").write_text(site, encoding="utf-8")
    (folder / "htpasswd").write_text("ada:{PLAIN}secret\n", encoding="utf-8")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    whole = (
        f"{user} daemon off; pid nginx.pid; events {{}}"
        f" http {{ access_log off; {temporary} include site.conf; }}"
    )
    file = folder / "nginx.conf"
    file.write_text(whole, encoding="utf-8")
    return file


async def test_thought_comes_through_while_the_model_still_thinks(folder: Path) -> None:
    heard = asyncio.Event()
    model = ScriptedModel([think("Hm."), Wait(heard), say("84")])
    body = {"text": "Hello", "include_reasoning": True}
    async with (
        behind_nginx(folder, model) as url,
        aiohttp.ClientSession(headers={"Host": NAME, **USER}) as session,
        session.post(f"{url}/api/v1/chat/stream-sse", json=body) as response,
    ):
        seen = b""
        while b'"token":"Hm."' not in seen:
            seen += await response.content.readany()
        assert not heard.is_set()
        heard.set()
        seen += await response.content.read()
    assert b"event: complete" in seen
    assert response.headers["Cache-Control"] == "no-cache, no-transform"


async def test_a_socket_of_a_page_of_the_site_comes_through(folder: Path) -> None:
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


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": NAME}, 401),
        ({"Host": "other.example.org", **USER}, 421),
        ({"Host": NAME, "Origin": "https://evil.example.org", **USER}, 403),
    ],
)
async def test_nobody_else_comes_through(
    folder: Path, headers: dict[str, str], status: int
) -> None:
    async with (
        behind_nginx(folder, ScriptedModel()) as url,
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{url}/api/v1/conversations") as response,
    ):
        assert response.status == status
