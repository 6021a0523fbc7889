"""Hostile paths, URLs, bodies and cursors, on every route, protocol and socket."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.attacks.entry_points import (
    MODEL,
    MODES,
    SOCKETS,
    routes,
    say_hi,
    server,
)
from tests.server.access.keyed import Headers, Keyed
from tests.server.serving import Json
from tests.tools.web import page, serving
from thinkaloud.ports.clock import SystemClock
from thinkaloud.providers.scripted import Wait
from thinkaloud.stores.uploads import MemoryUploads
from thinkaloud.testing import say, think
from thinkaloud.tools.attachments import NamedFiles
from thinkaloud.tools.workspace import Workspace

SECRET = "xylophone"
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(16)
OUTSIDE = [
    "../secret.txt",
    "folder/../../secret.txt",
    "/etc/passwd",
    "/proc/self/environ",
    "%2e%2e%2fsecret.txt",
    "%252e%252e%252fsecret.txt",
    "..\\secret.txt",
    "..%5csecret.txt",
    "\\\\host\\share\\secret.txt",
    "C:\\secret.txt",
    "CON",
    "link.txt",
    "linked/secret.txt",
    "folder",
    "a\x00b",
    "file:///etc/passwd",
    "https://127.0.0.1/secret.txt",
    "upl_" + "0" * 32,
    "~/secret.txt",
    "x" * 4096,
]


@asynccontextmanager
async def with_workspace(mode: str, folder: Path) -> AsyncGenerator[tuple[Keyed, Headers]]:
    """A server with a workspace next to a secret, and links from one to the other."""
    inside = folder / "inside"
    (inside / "folder").mkdir(parents=True)
    (folder / "secret.txt").write_text(SECRET)
    (inside / "folder" / "a.txt").write_text("Hello")
    (inside / "link.txt").symlink_to(folder / "secret.txt")
    (inside / "linked").symlink_to(folder)
    uploads = MemoryUploads(SystemClock())
    attachments = NamedFiles(uploads, Workspace(inside))
    async with server(mode, uploads=uploads, attachments=attachments) as found:
        yield found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["rest", "sse", *SOCKETS])
async def test_no_path_of_a_message_leads_outside_the_workspace(
    mode: str, name: str, tmp_path: Path
) -> None:
    async with with_workspace(mode, tmp_path) as (keys, headers):
        answers: set[tuple[str, str]] = set()
        for path in OUTSIDE:
            for field, value in (("context_files", [path]), ("image_path", path)):
                given: dict[str, Any] = {field: value}
                status, text = await say_hi(keys.served, name, headers, **given)
                assert name in SOCKETS or status == 422, (path, text)
                assert SECRET not in text
                assert str(tmp_path) not in text
                answers.add((field, _problem(text).replace(path, "…")))
        # Missing files, links and files outside look the same.
        assert not len(keys.served.runs.active)
        _, listed, _ = await keys.ask("GET", "/conversations", headers)
        assert listed["conversations"] == []
        # Otherwise, this test would prove nothing.
        status, text = await say_hi(keys.served, name, headers, context_files=["folder/a.txt"])
        assert status == 200
        assert '"Hi"' in text


def _problem(text: str) -> str:
    return text[text.rindex("{") :]


@pytest.mark.parametrize("mode", MODES)
async def test_no_path_of_a_url_leads_to_a_file(mode: str) -> None:
    async with server(mode) as (keys, headers):
        names = ["%2e%2e%2f" * 9 + "etc/passwd", "..%2f..%2fpyproject.toml", "%2e%2e", "a%00b"]
        names += ["..%5c..%5cetc", "%c0%ae%c0%ae/etc", "....//etc/passwd", "//etc/passwd"]
        places = [
            "/assets/",
            "/",
            "/webui/",
            "/api/v1/uploads/",
            "/api/v1/conversations/",
            "/v1/models/",
        ]
        for place in places:
            for name in names:
                url = URL(keys.url + place + name, encoded=True)
                async with keys.served.session.get(url, headers=headers) as response:
                    text = await response.text()
                    assert response.status < 500, url
                    assert "root:" not in text, url
                    assert "[project]" not in text, url


def images(url: str) -> Mapping[str, Json]:
    """Messages with an image at a URL, on each protocol that takes one."""
    parts = [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": url}}]
    source = {"type": "image", "source": {"type": "url", "url": url}}
    document = {"type": "document", "source": {"type": "url", "url": url}}
    chat = {"model": MODEL, "max_tokens": 100}
    file = {"type": "file", "mediaType": "image/png", "url": url}
    ag_ui = {"type": "image", "source": {"type": "url", "value": url, "mimeType": "image/png"}}
    binary = {"type": "binary", "mimeType": "image/png", "url": url}

    def user(content: object) -> Json:
        return {"role": "user", "content": content}

    return {
        "/v1/chat/completions": {**chat, "messages": [user(parts)]},
        "/v1/messages": {**chat, "messages": [user([source])]},
        "/v1/messages#": {**chat, "messages": [user([document])]},
        "/v1/responses": {
            **chat,
            "input": [user([{"type": "input_image", "image_url": url}])],
        },
        "/api/chat": {**chat, "messages": [{**user("Hi"), "images": [url]}]},
        "/api/generate": {**chat, "prompt": "Hi", "images": [url]},
        "/api/v1/ai-sdk/chat": {
            "id": "c",
            "messages": [{"id": "u", "role": "user", "parts": [file]}],
        },
        "/api/v1/ag-ui": {
            "threadId": "c",
            "runId": "r",
            "messages": [{"id": "u", **user([ag_ui])}],
        },
        "/api/v1/ag-ui#": {
            "threadId": "c",
            "runId": "s",
            "messages": [{"id": "u", **user([binary])}],
        },
    }


PRIVATE = [
    "http://127.0.0.1:{port}/a.png",
    "http://localhost:{port}/a.png",
    "http://[::1]:{port}/a.png",
    "http://[::ffff:7f00:1]:{port}/a.png",
    "http://0.0.0.0:{port}/a.png",
    "http://0:{port}/a.png",
    "http://2130706433:{port}/a.png",
    "http://0x7f000001:{port}/a.png",
    "http://017700000001:{port}/a.png",
    "http://[64:ff9b::7f00:1]:{port}/a.png",
    "http://100.64.0.1:{port}/a.png",
    "http://169.254.169.254/latest/meta-data",
    "http://user:secret@127.0.0.1:{port}/a.png",
    "http://localhost\\@127.0.0.1:{port}/a.png",
    "http://localhost#@127.0.0.1:{port}/a.png",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/",
    "/etc/passwd",
]


@pytest.mark.parametrize("mode", MODES)
async def test_no_url_of_a_message_reaches_a_private_address_on_any_protocol(mode: str) -> None:
    async with serving(page(PIXEL, "image/png")) as site, server(mode) as (keys, headers):
        for text in PRIVATE:
            for path, body in images(text.format(port=site.port)).items():
                url = keys.url + path.rstrip("#")
                async with keys.served.session.post(url, json=body, headers=headers) as response:
                    found = await response.text()
                    assert response.status in {400, 422}, (path, text, found)
                    # Nothing about what is there, if anything.
                    for word in ("refused", "timeout", "connect", "127.0.0.1", "png", "root:"):
                        assert word not in found.lower().replace(text.lower(), ""), (path, found)
        assert site.requests == []
        # Otherwise, this test would prove nothing.
        data = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"
        for path, body in images(data).items():
            if path in {"/v1/chat/completions", "/v1/responses"}:
                async with keys.served.session.post(
                    keys.url + path, json=body, headers=headers
                ) as response:
                    assert response.status == 200, (path, await response.text())


BODIES = {
    "empty": b"",
    "cut": b'{"text": "Hi',
    "deep": b'{"text": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "not a number": b'{"text": NaN, "messages": Infinity}',
    "half a surrogate": b'{"text": "\\ud800", "model": "\\udfff", "messages": []}',
    "not utf-8": b'{"text": "\xff\xfe"}',
    "a list": b"[]",
    "a number": b"1e999",
    "null": b"null",
    "nulls": b'{"text": null, "model": null, "messages": null, "input": null, "key": null}',
    "wrong types": b'{"text": [], "model": {}, "messages": {"a": 1}, "input": 7, "key": [1]}',
    "the same twice": b'{"text": [], "text": 1, "model": 1, "messages": 1, "input": 1, "key": 1}',
    "a huge number": b'{"max_tokens": ' + b"9" * 5_000 + b', "text": 1, "messages": 1, "key": 1}',
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", BODIES)
async def test_no_body_is_an_error_of_the_server(mode: str, name: str) -> None:
    async with server(mode) as (keys, headers):
        sent = {**headers, "Content-Type": "application/json"}
        for each in routes(keys.served):
            if each.method not in {"POST", "PATCH"}:
                continue
            async with keys.served.session.request(
                each.method, keys.url + each.at(), data=BODIES[name], headers=sent
            ) as response:
                text = await response.text()
                assert response.status < 500, (each, text)
                assert "Traceback" not in text, each
        for path in SOCKETS:
            async with keys.served.session.ws_connect(keys.url + path, headers=headers) as socket:
                await socket.send_bytes(BODIES[name] or b" ")
                assert (await socket.receive()).type == aiohttp.WSMsgType.TEXT
        assert (await keys.ask("GET", "/me", headers))[0] == 200


CURSORS = ["-1", "x", "1.5", "99999999999999999999999", "0x1", "null", "1 2", "999999"]
FOLLOWED = [
    "/api/v1/runs/{run_id}/events",
    "/api/v1/runs/{run_id}/log",
    "/api/v1/conversations/{conversation_id}/events",
    "/api/v1/conversations/{conversation_id}/log",
    "/v1/responses/{response_id}",
]


@pytest.mark.parametrize("mode", MODES)
async def test_a_cursor_that_was_never_assigned_starts_and_shows_nothing(mode: str) -> None:
    async with server(mode) as (keys, headers):
        await say_hi(keys.served, "rest", headers)
        body = {"model": MODEL, "input": "Hi", "store": True}
        async with keys.served.session.post(
            f"{keys.url}/v1/responses", json=body, headers=headers
        ) as response:
            kept = (await response.json())["id"]
        _, listed, _ = await keys.ask("GET", "/conversations/room/messages", headers)
        ids = {
            "run_id": listed["messages"][-1]["run_id"],
            "conversation_id": "room",
            "response_id": kept,
        }
        places = [each for each in routes(keys.served) if each.path in FOLLOWED]
        for each in places:
            if each.method != "GET":
                continue
            for cursor in CURSORS:
                query = {"after": cursor, "starting_after": cursor, "stream": "true"}
                for given, sent in ((query, headers), ({}, {**headers, "Last-Event-ID": cursor})):
                    if "responses" in each.path and not given:
                        continue
                    async with keys.served.session.get(
                        keys.url + each.at(ids), params={**given, "follow": "false"}, headers=sent
                    ) as response:
                        found = await response.text()
                        assert response.status < 500, (each, cursor)
                        assert response.status != 200 or "Hi" not in found, (each, cursor)
        _, again, _ = await keys.ask("GET", "/conversations/room/messages", headers)
        assert again == listed
        assert not len(keys.served.runs.active)
    assert {each.path for each in places} == set(FOLLOWED)


@pytest.mark.parametrize("name", ["rest", "sse", "ai sdk", "ag-ui", *SOCKETS])
async def test_two_messages_at_once_are_answered_one_after_the_other(name: str) -> None:
    gate = asyncio.Event()
    scripts = [[think("One", " two"), Wait(gate), say("three")], [think("Four"), say("five")]]
    async with server("keys", *scripts) as (keys, headers):
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(say_hi(keys.served, name, headers))
            second = tasks.create_task(say_hi(keys.served, name, headers))
            while not len(keys.served.runs.active):
                await asyncio.sleep(0)
            gate.set()
        answers = sorted(text for _, text in (first.result(), second.result()))
        assert all("two" in text or "Four" in text for text in answers)
        path = "/conversations/room/messages?include_reasoning=true"
        _, listed, _ = await keys.ask("GET", path, headers)
        found = [
            (each["reasoning"], each["text"])
            for each in listed["messages"]
            if each["role"] == "assistant"
        ]
        assert found in (
            [("One two", "three"), ("Four", "five")],
            [("One two", "three")],
            [("Four", "five")],
        )
