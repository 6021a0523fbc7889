"""The example for a path of a site: page, socket and links work, whether nginx strips the path or not."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import aiohttp
import pytest

from tests.docs.examples import EXAMPLES
from tests.nginx import NAME, NGINX, USER, nginx, temporary_paths, user
from tests.server.serving import serving
from thinkaloud.config import load
from thinkaloud.testing import ScriptedModel, say, think

pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx")
BROWSER = {"Accept": "text/html,*/*;q=0.8"}
LOCATION = (EXAMPLES / "nginx" / "under_a_path.conf").read_text(encoding="utf-8")
WAYS = {"kept": LOCATION, "taken off": LOCATION.replace("8484;", "8484/;")}
way = pytest.mark.parametrize("way", WAYS)


@asynccontextmanager
async def under_a_path(
    folder: Path, way: str, model: ScriptedModel
) -> AsyncGenerator[tuple[aiohttp.ClientSession, str]]:
    """A server with the settings of the example, as the site shows it: a client, and its address."""
    settings = load(EXAMPLES / "config" / "under_a_path.toml", environment={}).settings.server
    names = ("base_path", "allowed_hosts", "allowed_origins")
    given = {name: getattr(settings, name) for name in names}
    async with (
        serving(model, **given) as served,
        nginx(folder, served.url, _configuration, WAYS[way]) as url,
        aiohttp.ClientSession(headers={"Host": NAME, **USER}) as session,
    ):
        yield session, f"{url}/app/"


def _configuration(folder: Path) -> str:
    return (
        f"{user()} pid nginx.pid; events {{}}"
        f" http {{ access_log off; {temporary_paths(folder)} include site.conf; }}"
    )


@way
async def test_the_page_and_its_socket_work_under_a_path_of_a_site(way: str, folder: Path) -> None:
    model = ScriptedModel([think("Hm."), say("84")])
    async with under_a_path(folder, way, model) as (session, url):
        async with session.get(url, headers=BROWSER) as answer:
            page = await answer.text()
        (base,) = re.findall(r'name="thinkaloud-base-path" content="(.*?)"', page)
        async with session.get(urljoin(url, f"{base}/webui/bootstrap")) as answer:
            path = (await answer.json())["ws_path"]
        assert (base, path) == ("/app", "/app/ws")
        for asset in re.findall(r'(?:src|href)="(\./.*?)"', page):
            async with session.get(urljoin(url, asset)) as answer:
                assert answer.status == 200
                assert "text/html" not in answer.headers["Content-Type"]
        async with session.ws_connect(urljoin(url, path), origin=f"https://{NAME}") as socket:
            await socket.send_str("Hello")
            seen = []
            while seen[-1:] != ["turn_end"]:
                seen.append(json.loads(await socket.receive_str())["event"])
    assert "reasoning_delta" in seen


@way
async def test_every_link_in_the_api_documents_works(way: str, folder: Path) -> None:
    async with under_a_path(folder, way, ScriptedModel()) as (session, url):
        async with session.get(url, headers={"Accept": "application/json"}) as answer:
            links = (await answer.json())["links"]
        seen = set[str]()
        wanted = [links[name] for name in ("docs", "openapi", "asyncapi")]
        while wanted:
            path = urlsplit(wanted.pop()).path
            if path in seen:
                continue
            seen.add(path)
            async with session.get(urljoin(url, path), headers=BROWSER) as answer:
                assert answer.status == 200, path
                text = await answer.text()
                if "html" in answer.headers["Content-Type"]:
                    wanted += re.findall(r'href="(/.*?)"', text)
        async with session.get(urljoin(url, links["openapi"])) as answer:
            (server,) = (await answer.json())["servers"]
        async with session.get(urljoin(url, links["asyncapi"])) as answer:
            socket_server = (await answer.json())["servers"]["local"]
        async with session.get(urljoin(url, f"{server['url']}/api/v1/models")) as answer:
            assert answer.status == 200
    assert socket_server["pathname"] == "/app"
    assert seen >= {"/app/api/docs", "/app/api/docs/stream", "/app/api/docs.css"}


@way
async def test_an_event_stream_and_an_upload_work_under_a_path(way: str, folder: Path) -> None:
    async with under_a_path(folder, way, ScriptedModel([say("84")])) as (session, url):
        async with session.post(f"{url}api/v1/chat/stream-sse", json={"text": "Hello"}) as answer:
            assert b"event: complete" in await answer.read()
        form = aiohttp.FormData()
        form.add_field("file", b"text", filename="a.txt")
        async with session.post(f"{url}api/v1/upload", data=form) as answer:
            assert answer.status == 201
