"""Attacks by pages of other origins, on every route and socket, with keys on and off."""

from typing import Any

import aiohttp
import pytest

from tests.attacks.entry_points import MESSAGES as ALL_MESSAGES
from tests.attacks.entry_points import (
    MODES,
    PAGES,
    SOCKETS,
    STREAMS,
    Message,
    routes,
    say_hi,
    server,
    upload,
)
from tests.server.access.keyed import Headers, Keyed
from tests.server.serving import Served
from thinkaloud.testing import Silence, think

FORMS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]
UPLOAD = "/api/v1/upload"
HOSTS = [
    "evil.example",
    "EVIL.example:8484",
    "evil.example@127.0.0.1",
    "127.0.0.1.evil.example",
    "[::ffff:127.0.0.1]",
    "localhost.",
    "127.0.0.1:80:80",
    "2130706433",
]
ORIGINS = [
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://127.0.0.1:1",
]
NAMES = [*(("Host", each, 421) for each in HOSTS), *(("Origin", each, 403) for each in ORIGINS)]
MESSAGES = list(ALL_MESSAGES)


async def socket_status(served: Served, path: str, headers: Headers) -> int:
    """The status of the response to an upgrade."""
    try:
        async with served.session.ws_connect(served.url + path, headers=headers) as socket:
            await socket.close()
            return 101
    except aiohttp.WSServerHandshakeError as refused:
        return refused.status


async def state(keys: Keyed, headers: Headers) -> list[Any]:
    """Everything that a request may have changed."""
    paths = ("/conversations", "/uploads", "/models")
    found: list[Any] = [await keys.ask("GET", path, headers) for path in paths]
    stored = await keys.access.store.keys()
    return [
        *((status, body) for status, body, _ in found),
        [key.key_id for key in stored if key.revoked_at_ms is None],
        list(await keys.access.store.sessions()),
        len(keys.served.runs.active),
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "value", "status"), NAMES)
async def test_no_route_answers_a_foreign_page_or_a_rebound_name(
    mode: str, name: str, value: str, status: int
) -> None:
    async with server(mode) as (keys, headers):
        served = keys.served
        # What proxies say about the name changes nothing.
        claims = {"X-Forwarded-Host": "127.0.0.1", "Forwarded": "host=127.0.0.1"}
        sent = {**headers, **claims, name: value}
        places = [(each.method, each.at()) for each in routes(served)]
        for method, path in [*places, *(("GET", page) for page in PAGES)]:
            url = served.url + path
            async with served.session.request(method, url, headers=sent) as response:
                assert response.status == status, (method, path)
                assert "Access-Control-Allow-Origin" not in response.headers
        for path in SOCKETS:
            assert await socket_status(served, path, sent) == status, path


@pytest.mark.parametrize("mode", MODES)
async def test_no_preflight_of_a_foreign_page_is_granted(mode: str) -> None:
    asked = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    async with server(mode) as (keys, _):
        for path in {each.at() for each in routes(keys.served)}:
            url = keys.url + path
            async with keys.served.session.options(url, headers=asked) as response:
                assert response.status == 403, path
                granted = [name for name in response.headers if name.startswith("Access-Control")]
                assert granted == [], path


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", FORMS)
async def test_no_form_of_a_page_changes_anything(mode: str, kind: str) -> None:
    statuses: dict[str, int] = {}
    async with server(mode) as (keys, headers):
        served = keys.served
        await say_hi(served, "rest", headers)
        before = await state(keys, headers)
        ids = {"conversation_id": "room", "chat_id": "room"}
        for each in routes(served):
            # Uploads are forms; what protects them is `Origin` and `Sec-Fetch-Site`.
            if each.method == "GET" or each.path == UPLOAD:
                continue
            sent = {**headers, "Content-Type": kind}
            url = served.url + each.at(ids)
            body = b'{"text": "Hi"}'
            async with served.session.request(
                each.method, url, headers=sent, data=body
            ) as response:
                statuses[str(each)] = response.status
        assert await state(keys, headers) == before
    # Anthropic's errors have no 415.
    assert {place for place, status in statuses.items() if status not in {400, 415}} == set()
    assert len(statuses) > 20


@pytest.mark.parametrize("mode", MODES)
async def test_no_form_with_a_file_is_taken_from_another_site(mode: str) -> None:
    async with server(mode) as (keys, headers):
        before = await state(keys, headers)
        for claim in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            form = aiohttp.FormData()
            form.add_field("file", b"x", filename="a.txt", content_type="text/plain")
            async with keys.served.session.post(
                keys.url + UPLOAD, data=form, headers={**headers, **claim}
            ) as response:
                assert response.status == 403
        assert await state(keys, headers) == before


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_request_of_another_site_without_an_origin_changes_nothing(
    mode: str, site: str
) -> None:
    async with server(mode) as (keys, headers):
        served, sent = keys.served, {**headers, "Sec-Fetch-Site": site}
        for each in routes(served):
            if each.method == "GET":
                continue
            url = served.url + each.at()
            async with served.session.request(each.method, url, headers=sent, json={}) as response:
                assert response.status == 403, each
        for path in SOCKETS:
            assert await socket_status(served, path, sent) == 403, path


async def test_a_login_of_the_browser_changes_nothing_without_an_origin() -> None:
    async with server("keys") as (keys, headers):
        issued = await keys.key("eve", role="admin")
        cookie = await keys.log_in(issued)
        before = await state(keys, headers)
        for each in routes(keys.served):
            if each.method == "GET" or each.requires == "none":
                continue
            url = keys.url + each.at()
            for sent in ({}, {"Content-Type": "application/json"}):
                async with keys.served.session.request(
                    each.method, url, headers={**cookie, **sent}, data=b"{}" if sent else None
                ) as response:
                    assert response.status == 403, each
        for path in SOCKETS:
            assert await socket_status(keys.served, path, cookie) == 403, path
        assert await state(keys, headers) == before


@pytest.mark.parametrize("mode", MODES)
async def test_nothing_is_changed_by_reading(mode: str) -> None:
    async with server(mode, [think("Hm"), Silence()]) as (keys, headers):
        served = keys.served
        message: Message = ALL_MESSAGES["sse"]
        async with served.session.post(
            served.url + message.path, json=message.body("room"), headers=headers
        ) as response:
            run_id = response.headers["X-Run-ID"]
            ids = {
                "conversation_id": "room",
                "chat_id": "room",
                "run_id": run_id,
                "response_id": run_id.replace("run_", "resp_"),
                "upload_id": await upload(served, headers),
                "key_id": (await keys.key("eve")).key.key_id,
            }
            before = await state(keys, headers)
            for path in {each.at(ids) for each in routes(served)}:
                for method in ("GET", "HEAD"):
                    query = "follow=false&stop=true&delete=true&text=Hi&model_id=x"
                    async with served.session.request(
                        method, f"{served.url}{path}?{query}", headers=headers
                    ) as found:
                        assert found.status < 500, path
            assert await state(keys, headers) == before
            assert run_id in served.runs.active


@pytest.mark.parametrize("mode", MODES)
async def test_no_header_of_a_client_makes_it_another_owner_or_an_admin(mode: str) -> None:
    claims = {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-User": "root",
        "X-Real-IP": "127.0.0.1",
        "Forwarded": "for=127.0.0.1;host=evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Thinkaloud-Owner": "root",
        "X-Scopes": "admin",
    }
    async with server(mode) as (keys, headers):
        _, plain = await keys.served.get("/me", headers=headers)
        _, claimed = await keys.served.get("/me", headers={**headers, **claims})
    assert plain == claimed


@pytest.mark.parametrize("mode", MODES)
async def test_every_response_denies_framing_sniffing_and_scripts(mode: str) -> None:
    async with server(mode) as (keys, headers):
        served = keys.served
        places = [
            (each.method, each.at()) for each in routes(served) if not STREAMS.search(each.path)
        ]
        for method, path in [*places, *(("GET", page) for page in PAGES), ("PUT", "/api/v1/me")]:
            for sent in (headers, {}):
                url = served.url + path
                async with served.session.request(method, url, headers=sent) as found:
                    assert found.headers["X-Content-Type-Options"] == "nosniff", path
                    assert found.headers["X-Frame-Options"] == "DENY", path
                    policy = found.headers["Content-Security-Policy"]
                    assert "frame-ancestors 'none'" in policy, path
                    assert "unsafe-inline" not in policy.partition("style-src")[0], path
