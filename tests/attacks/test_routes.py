"""Attacks on every route of the published table: by other owners, by foreign pages, by DNS rebinding."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.server.access.keyed import Headers, Keyed, bearer, keyed
from tests.server.serving import Served, serving
from thinkaloud.auth.settings import AuthSettings
from thinkaloud.testing import ScriptedModel, say, think

BODIES: Mapping[str, Mapping[str, str]] = {
    "POST /api/v1/conversations/{conversation_id}/versions": {"run_id": "{run_id}"},
    "PATCH /api/v1/conversations/{conversation_id}": {"title": "Mine now"},
    "POST /api/v1/conversations/{conversation_id}/branch": {"run_id": "{run_id}"},
}
"""Bodies with which a request gets as far as the look-up."""
IDS = ("conversation_id", "run_id", "upload_id")
MODES = ["off", "keys"]


@asynccontextmanager
async def server(mode: str) -> AsyncGenerator[tuple[Served, Headers]]:
    """A server with keys on or off, and the headers of somebody who may do everything."""
    model = ScriptedModel(*[[think("T"), say("Hi")]] * 99)
    if mode == "off":
        async with serving(model) as served:
            yield served, {}
    else:
        async with keyed(AuthSettings(mode="keys"), model=model) as keys:
            scopes = ("admin", "chat", "metrics", "read")
            yield keys.served, await keys.bearer(role="admin", scopes=scopes)


async def table(served: Served, headers: Headers) -> list[tuple[str, str]]:
    """Every method and path of the published document."""
    async with served.session.get(f"{served.url}/api/openapi.json", headers=headers) as response:
        paths = (await response.json())["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def filled(text: str, ids: Mapping[str, str]) -> str:
    """A path or a body with these ids."""
    known = {"key_id": "abc", "number": "1", **ids}
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found.group(1), "x"), text)


async def exchange(
    served: Served, method: str, path: str, ids: Mapping[str, str], headers: Headers
) -> tuple[int, Any, Sequence[str]]:
    """Send a request; return what differs for a client: status, body and headers, without ids."""
    body = {name: filled(text, ids) for name, text in BODIES.get(f"{method} {path}", {}).items()}
    async with served.session.request(
        method,
        served.url + filled(path, ids),
        headers=headers,
        json=None if method == "GET" else body,
    ) as response:
        text = await response.text()
        for value in (*ids.values(), response.headers.get("X-Request-ID", "")):
            text = text.replace(value, "…") if value else text
        volatile = ("date", "x-request-id", "content-length")
        sent = sorted(f"{k}: {v}" for k, v in response.headers.items() if k.lower() not in volatile)
        return response.status, text, sent


async def belongings(keys: Keyed, headers: Headers) -> dict[str, str]:
    """Create a conversation with a run and an upload."""
    _, made, _ = await keys.ask("POST", "/chat/message", headers, {"text": "Mine"})
    conversation = made["conversation_id"]
    _, messages, _ = await keys.ask("GET", f"/conversations/{conversation}/messages", headers)
    form = aiohttp.FormData()
    form.add_field("file", b"secret", filename="a.txt", content_type="text/plain")
    async with keys.served.session.post(
        f"{keys.served.api}/upload", data=form, headers=headers
    ) as response:
        assert response.status in {200, 201}, await response.text()
        upload = await response.json()
    run_id = messages["messages"][-1]["run_id"]
    found = next(value for name, value in upload.items() if name in {"upload_id", "id", "path"})
    return {"conversation_id": conversation, "run_id": run_id, "upload_id": found}


@pytest.mark.promise("P12")
async def test_what_belongs_to_another_owner_looks_on_every_route_as_if_it_did_not_exist() -> None:
    model = ScriptedModel(*[[say("Hi")]] * 9)
    async with keyed(model=model) as keys:
        ada, bob = await keys.bearer("ada"), await keys.bearer("bob")
        root = bearer(await keys.key("root", role="admin", scopes=("admin", "chat", "read")))
        theirs = await belongings(keys, ada)
        never = {name: re.sub(r"[0-9a-f]{6}$", "ffffff", value) for name, value in theirs.items()}
        assert all(never[name] != theirs[name] for name in theirs)
        places = [
            place
            for place in await table(keys.served, ada)
            if any(f"{{{name}}}" in place[1] for name in IDS)
        ]
        # Deleting comes last, so that a failure shows where the attack began.
        for method, path in sorted(places, key=lambda place: place[0] == "DELETE"):
            for headers in (bob, root):
                real = await exchange(keys.served, method, path, theirs, headers)
                unknown = await exchange(keys.served, method, path, never, headers)
                assert real == unknown, (method, path)
                assert real[0] in {404, 204}, (method, path, real)
        # A deletion that finds nothing may say so or not, but it must have deleted nothing.
        for place in (f"/conversations/{theirs['conversation_id']}", f"/runs/{theirs['run_id']}"):
            assert (await keys.ask("GET", place, ada))[0] == 200
    assert len(places) > 12


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Host", "evil.example", 421),
        ("Host", "evil.example@127.0.0.1", 421),
        ("Host", "127.0.0.1.evil.example", 421),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Origin", "http://localhost.evil.example", 403),
        ("Origin", "http://127.0.0.1:1", 403),
    ],
)
async def test_no_route_answers_a_foreign_page_or_a_rebound_name(
    mode: str, name: str, value: str, status: int
) -> None:
    async with server(mode) as (served, headers):
        for method, path in await table(served, headers):
            url = served.url + filled(path, {})
            sent = {**headers, name: value}
            async with served.session.request(method, url, headers=sent) as response:
                assert response.status == status, (method, path)
                assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]
)
async def test_no_form_of_a_page_changes_anything(mode: str, kind: str) -> None:
    statuses: dict[tuple[str, str], int] = {}
    async with server(mode) as (served, headers):
        await served.post("/chat/message", {"text": "Mine"}, headers=headers)
        _, before = await served.get("/conversations", headers=headers)
        (kept,) = before["conversations"]
        ids = {"conversation_id": kept["conversation_id"]}
        for method, path in await table(served, headers):
            # Uploads are forms; what protects them is `Origin` and `Sec-Fetch-Site`.
            if method == "GET" or path == "/api/v1/upload":
                continue
            sent = {**headers, "Content-Type": kind}
            url = served.url + filled(path, ids)
            body = b'{"text": "Hi"}'
            async with served.session.request(method, url, headers=sent, data=body) as response:
                statuses[method, path] = response.status
        assert await served.get("/conversations", headers=headers) == (200, before)
    assert {place: status for place, status in statuses.items() if status != 415} == {}
    assert len(statuses) > 10


@pytest.mark.parametrize("mode", MODES)
async def test_a_request_of_another_site_without_an_origin_changes_nothing(mode: str) -> None:
    async with server(mode) as (served, headers):
        for method, path in await table(served, headers):
            if method == "GET":
                continue
            sent = {**headers, "Sec-Fetch-Site": "cross-site"}
            url = served.url + filled(path, {})
            async with served.session.request(method, url, headers=sent, json={}) as response:
                assert response.status == 403, (method, path)


@pytest.mark.parametrize("mode", MODES)
async def test_no_header_of_a_client_makes_it_another_owner_or_an_admin(mode: str) -> None:
    claims = {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-User": "root",
        "X-Real-IP": "127.0.0.1",
        "Forwarded": "for=127.0.0.1;host=evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Thinkaloud-Owner": "root",
        "X-Scopes": "admin",
    }
    async with server(mode) as (served, headers):
        _, plain = await served.get("/me", headers=headers)
        _, claimed = await served.get("/me", headers={**headers, **claims})
    assert plain == claimed


@pytest.mark.parametrize("mode", MODES)
async def test_every_response_denies_framing_sniffing_and_scripts(mode: str) -> None:
    async with server(mode) as (served, headers):
        for method, path in await table(served, headers):
            if method != "GET" or path.endswith(("/follow", "/events")):
                continue
            async with served.session.get(served.url + filled(path, {}), headers=headers) as found:
                assert found.headers["X-Content-Type-Options"] == "nosniff", path
                assert found.headers["X-Frame-Options"] == "DENY", path
                policy = found.headers["Content-Security-Policy"]
                assert "frame-ancestors 'none'" in policy, path
                assert "unsafe-inline" not in policy.partition("style-src")[0], path
