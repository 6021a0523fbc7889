"""Secrets of the operator: in the environment, in the configuration, and at a provider that repeats them."""

import logging
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.attacks.entry_points import MESSAGES, SOCKETS, routes, say_hi
from tests.providers.upstream import Answer, giving
from tests.providers.upstream import serving as provider
from tests.server.serving import Served, listening
from thinkaloud.app.runtime import open_runtime
from thinkaloud.app.server import web_app
from thinkaloud.config import load

KEY = "sk-canary-key-0123456789abcdef0123456789"
OTHER = "canary-of-another-service"
HEADER = "canary-in-a-header"
EVERYWHERE = [*MESSAGES, *SOCKETS]


async def repeating(request: web.Request) -> web.StreamResponse:
    """A provider that repeats what it was sent, as some do with wrong keys."""
    text = f'{{"error": {{"message": "Incorrect API key: {request.headers["Authorization"]}"}}}}'
    return web.Response(body=text, status=401, content_type="application/json")


ANSWERS: dict[str, Answer] = {
    "wrong key": repeating,
    "error": giving(b'{"error": {"message": "no"}}', 400, "application/json"),
    "no json": giving(b"<html>", 200, "text/html"),
}


@asynccontextmanager
async def configured(url: str, folder: Path) -> AsyncGenerator[Served]:
    """A server whose default model is at this provider."""
    file = folder / "thinkaloud.toml"
    file.write_text(
        f"""
        [model]
        default = "up/model"
        [hosts.up]
        dialect = "openai-chat"
        base_url = "{url}/v1"
        api_key_env = "UP_KEY"
        models = ["model"]
        headers = {{ X-Team = "{HEADER}" }}
        [server]
        port = 0
        shutdown_seconds = 1
        """
    )
    environment = {"UP_KEY": KEY, "OTHER": OTHER, "THINKALOUD_DATA_DIR": str(folder / "data")}
    async with open_runtime(load(file, environment=environment)) as runtime:
        services = web_app(runtime).state.services
        async with (
            listening(services) as (running, url),
            aiohttp.ClientSession(read_bufsize=2**20) as session,
        ):
            yield Served(url, services, session, running)


@pytest.mark.parametrize("answer", ANSWERS)
async def test_no_secret_of_the_operator_is_sent_stored_or_logged(
    answer: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        provider(ANSWERS[answer]) as upstream,
        configured(upstream.url, tmp_path) as served,
    ):
        answers = [await say_hi(served, name, {}, model="up/model") for name in EVERYWHERE]
        found = [text for _, text in answers]
        _, listed = await served.get("/conversations/room/messages")
        ids = {
            "conversation_id": "room",
            "chat_id": "room",
            "run_id": listed["messages"][-1]["run_id"],
        }
        for each in routes(served):
            if each.method == "GET" and not each.path.endswith("conversation_id}/events"):
                url = f"{served.url}{each.at(ids)}?include_reasoning=true&follow=false&after=0"
                async with served.session.get(url) as response:
                    found.append(f"{dict(response.headers)}{await response.text()}")
        assert upstream.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    for text in (*found, caplog.text):
        for secret in (KEY, KEY[10:], OTHER, HEADER):
            assert secret not in text


IMPORT = """
import sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen"}:
        raise SystemExit(f"{event}: {arguments}")

sys.addaudithook(refuse)
import thinkaloud.agent, thinkaloud.app.server, thinkaloud.cli.main, thinkaloud.testing
"""


def test_importing_connects_to_nothing() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", IMPORT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
