"""Attacks on credentials: every carrier, on every route, socket and protocol."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any

import aiohttp
import pytest

from tests.attacks.entry_points import (
    FRAMES,
    MESSAGES,
    OPEN,
    SOCKETS,
    STREAMED,
    filled,
    routes,
    say_hi,
    server,
)
from tests.auth.people import ADMIN
from tests.server.access.keyed import Headers, Keyed, bearer, keyed
from tests.server.serving import Json, Served
from thinkaloud.auth.administration import Issued
from thinkaloud.auth.key_fields import KeyChange
from thinkaloud.auth.throttle import LIMIT
from thinkaloud.ports.keys import ApiKey
from thinkaloud.testing import ScriptedModel, Silence, say, think

WRONG = f"ta_abcdefghijkl_{'x' * 43}"
EVERYWHERE = [*MESSAGES, *SOCKETS]
CLAIMS = {
    "owner": "root",
    "role": "admin",
    "scopes": ["admin"],
    "user": "root",
    "principal": {"owner": "root", "role": "admin"},
    "key_id": "root",
    "metadata": {"user_id": "root", "owner": "root"},
}


async def by_bearer(keys: Keyed, issued: Issued) -> Headers:
    """`Authorization`, in a case of its own."""
    return {"Authorization": f"bEARER {issued.value.text()}"}


async def by_api_key(keys: Keyed, issued: Issued) -> Headers:
    return {"x-api-key": issued.value.text()}


async def by_cookie(keys: Keyed, issued: Issued) -> Headers:
    return {**await keys.log_in(issued), "Origin": keys.url}


async def by_ticket(keys: Keyed, issued: Issued) -> Headers:
    _, made, _ = await keys.ask("POST", "/tickets", bearer(issued))
    return {"Sec-WebSocket-Protocol": ", ".join(made["subprotocols"])}


CARRIERS = {"bearer": by_bearer, "api key": by_api_key, "cookie": by_cookie, "ticket": by_ticket}
Carrier = Callable[[Keyed, Issued], Awaitable[Headers]]


async def status_of(served: Served, method: str, path: str, headers: Mapping[str, str]) -> int:
    async with served.session.request(method, served.url + path, headers=headers) as response:
        return response.status


async def test_every_way_in_asks_for_a_credential() -> None:
    async with server("keys") as (keys, _):
        found = {
            str(each): await status_of(keys.served, each.method, each.at(), {})
            for each in routes(keys.served)
        }
        assert {place for place, status in found.items() if status != 401} == OPEN | {
            "POST /api/v1/session"
        }
        for path in ("/api/docs", "/api/v1/nothing", "/v1/nothing", "/api/nothing", "/metrics"):
            for method in ("GET", "PUT", "OPTIONS", "TRACE"):
                assert await status_of(keys.served, method, path, {}) in {400, 401}, path
        for path in SOCKETS:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await keys.served.session.ws_connect(keys.url + path)
            assert refused.value.status == 401
    assert len(found) > 50


@pytest.mark.parametrize("name", EVERYWHERE)
async def test_a_restricted_key_is_as_restricted_by_every_carrier_on_every_protocol(
    name: str,
) -> None:
    restrictions: list[dict[str, Any]] = [
        {"models": ("other/*",)},
        {"scopes": ("read",)},
        {"requests_per_minute": 0},
        {"tokens_per_day": 0},
        {"concurrent_runs": 0},
    ]
    async with keyed() as keys:
        carriers = [each for each in CARRIERS if name in SOCKETS or each != "ticket"]
        for restriction in restrictions:
            issued = await keys.key("eve", **restriction)
            verdicts: set[tuple[int, str]] = set()
            for carrier in carriers:
                headers = await CARRIERS[carrier](keys, issued)
                status, text = await refused_message(keys.served, name, headers)
                verdicts.add((status, text))
            assert len(verdicts) == 1, (restriction, verdicts)
        assert not len(keys.served.runs.active)
        assert await keys.served.services.store.conversation("eve", "room") is None


async def refused_message(served: Served, name: str, headers: Headers) -> tuple[int, str]:
    """Send a message that is refused; return the status and, on sockets, the code."""
    if name not in SOCKETS:
        status, _ = await say_hi(served, name, headers)
        assert status in {403, 429}
        return status, ""
    body, _ = FRAMES[name]
    offered = headers.get("Sec-WebSocket-Protocol", "")
    others = {key: value for key, value in headers.items() if key != "Sec-WebSocket-Protocol"}
    async with served.session.ws_connect(
        served.url + name,
        headers=others,
        protocols=[each.strip() for each in offered.split(",") if each],
    ) as socket:
        await socket.send_json(body("room"))
        while True:
            frame: Json = await socket.receive_json()
            if frame["event"] == "error":
                return 101, str(frame.get("code") or frame["data"]["code"])


@pytest.mark.parametrize("name", EVERYWHERE)
async def test_what_a_message_claims_about_its_sender_changes_nothing(name: str) -> None:
    async with keyed() as keys:
        headers = await keys.bearer("eve")
        claims = {"X-Thinkaloud-Owner": "root", "X-User": "root", "X-Role": "admin"}
        status, text = await say_hi(keys.served, name, {**headers, **claims}, **CLAIMS)
        assert status == 200
        assert "Hi" in text
        root = await keys.bearer("root", role="admin")
        assert (await keys.ask("GET", "/conversations", root))[1]["conversations"] == []
        _, me, _ = await keys.ask("GET", "/me?owner=root&role=admin&scopes=admin", headers)
        assert (me["owner"], me["role"]) == ("eve", "user")
        assert (await keys.ask("GET", "/keys?role=admin", {**headers, **claims}))[0] == 403


async def test_guesses_count_together_on_every_route_and_carrier() -> None:
    guesses: list[Headers] = [
        {"Authorization": f"Bearer {WRONG}"},
        {"x-api-key": WRONG},
        {"Authorization": f"Bearer {WRONG}", "X-Device-Token": "1", "x-openclaw-scopes": "admin"},
        {"x-api-key": "sk-nothing-like-it"},
    ]
    async with server("keys") as (keys, headers):
        found: list[int] = []
        places = [each for each in routes(keys.served) if each.requires != "none"]
        for number, each in enumerate(places):
            sent = guesses[number % len(guesses)]
            found.append(await status_of(keys.served, each.method, each.at(), sent))
        assert found == [401] * LIMIT + [429] * (len(places) - LIMIT)
        body = {"key": WRONG}
        status, _, _ = await keys.ask("POST", "/session", {"Origin": keys.url}, body)
        assert status == 429
        for path in SOCKETS:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await keys.served.session.ws_connect(keys.url + path, headers=guesses[0])
            assert refused.value.status == 429
        # A correct one is never throttled.
        assert await status_of(keys.served, "GET", "/api/v1/me", headers) == 200


@pytest.mark.parametrize("name", [*STREAMED, *SOCKETS])
async def test_a_key_that_ends_closes_its_stream_on_every_protocol(name: str) -> None:
    async with server("keys", [think("Hm"), say("Yes"), Silence()]) as (keys, _):
        issued = await keys.key("eve")
        async with AsyncExitStack() as stack:
            if name in SOCKETS:
                socket = await stack.enter_async_context(
                    keys.served.session.ws_connect(keys.url + name, headers=bearer(issued))
                )
                await socket.send_json(FRAMES[name][0]("room"))
                while "Yes" not in str((await socket.receive()).data):
                    pass
            else:
                message = MESSAGES[name]
                response = await stack.enter_async_context(
                    keys.served.session.post(
                        keys.url + message.path, json=message.body("room"), headers=bearer(issued)
                    )
                )
                await response.content.readuntil(b"Yes")
            await keys.access.administration.revoke(issued.key.key_id, ADMIN)
            async with asyncio.timeout(30):
                if name in SOCKETS:
                    while (await socket.receive()).type != aiohttp.WSMsgType.CLOSE:
                        pass
                    assert socket.close_code == 4401
                else:
                    with suppress(aiohttp.ClientPayloadError):
                        await response.content.read()
        assert not len(keys.served.runs.active)


FOLLOWED = [
    "GET /api/v1/runs/{run_id}/events",
    "GET /api/v1/runs/{run_id}/log",
    "GET /api/v1/conversations/{conversation_id}/events",
    "GET /api/v1/conversations/{conversation_id}/log",
    "GET /api/v1/ai-sdk/chat/{chat_id}/stream",
]


async def test_a_key_that_ends_closes_everything_that_it_follows() -> None:
    async with server("keys", [think("Hm"), say("Yes"), Silence()]) as (keys, _):
        issued, kept = await keys.key("eve"), await keys.bearer("other", owner="eve")
        message = MESSAGES["sse"]
        async with AsyncExitStack() as stack:
            session = keys.served.session
            running = await stack.enter_async_context(
                session.post(keys.url + message.path, json=message.body("room"), headers=kept)
            )
            run_id = running.headers["X-Run-ID"]
            ids = {"run_id": run_id, "conversation_id": "room", "chat_id": "room"}
            followers: list[aiohttp.ClientResponse] = []
            for place in FOLLOWED:
                url = keys.url + filled(place.partition(" ")[2], ids) + "?after=0"
                response = await stack.enter_async_context(session.get(url, headers=bearer(issued)))
                assert response.status == 200, place
                await response.content.readuntil(b"Yes")
                followers.append(response)
            await keys.access.administration.edit(issued.key.key_id, KeyChange(expires="0s"), ADMIN)
            async with asyncio.timeout(30):
                for response in followers:
                    with suppress(aiohttp.ClientPayloadError):
                        await response.content.read()
        # The run of another key of the same owner continues.
        assert run_id in keys.served.runs.active
    assert {each for each in map(str, routes(keys.served)) if each in FOLLOWED} == set(FOLLOWED)


async def test_no_credential_in_a_query_opens_anything() -> None:
    async with server("keys") as (keys, headers):
        issued = await keys.key("root", role="admin")
        ticket = (await keys.ask("POST", "/tickets", headers))[1]["ticket"]
        for name in ("key", "api_key", "api-key", "token", "access_token", "ticket", "session"):
            for value in (issued.value.text(), ticket):
                for each in routes(keys.served):
                    if each.requires == "none" or each.method != "GET":
                        continue
                    path = f"{each.at()}?{name}={value}"
                    assert await status_of(keys.served, "GET", path, {}) == 401, each
                for path in SOCKETS:
                    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                        await keys.served.session.ws_connect(f"{keys.url}{path}?{name}={value}")
                    assert refused.value.status == 401


async def test_a_session_that_an_attacker_chose_is_never_logged_in() -> None:
    async with keyed() as keys:
        issued = await keys.key("ada")
        fixed = {"Cookie": "thinkaloud_session=chosen", "Origin": keys.url}
        body = {"key": issued.value.text()}
        status, _, headers = await keys.ask("POST", "/session", fixed, body)
        assert status == 200
        assert "chosen" not in headers["Set-Cookie"]
        assert (await keys.ask("GET", "/me", fixed))[0] == 401
        # Every login has a session of its own, also with the cookie of an earlier one.
        first = await keys.log_in(issued)
        _, _, headers = await keys.ask("POST", "/session", {**first, "Origin": keys.url}, body)
        assert headers["Set-Cookie"].partition(";")[0] != first["Cookie"]


@pytest.mark.parametrize("name", EVERYWHERE)
async def test_no_credential_is_logged_or_sent_back(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    model = ScriptedModel(*[[think("T"), say("Hi")]] * 9)
    async with keyed(model=model) as keys:
        issued = await keys.key("ada")
        carriers = [each for each in CARRIERS if each != "ticket"]
        for carrier in carriers:
            headers = await CARRIERS[carrier](keys, issued)
            _, text = await say_hi(keys.served, name, headers, "room")
            assert issued.value.secret not in text
            cookie = headers.get("Cookie", "").partition("=")[2]
            # The client of this test logs what it sends itself.
            logged = [each for each in caplog.records if each.name != "websockets.client"]
            for secret in filter(None, (issued.value.secret, cookie)):
                assert [each for each in logged if secret in each.getMessage()] == []


async def test_a_user_changes_no_setting_and_no_key() -> None:
    async with keyed() as keys:
        eve = await keys.bearer("eve", scopes=("chat", "read", "metrics", "admin"))
        other = await keys.key("other", role="admin")
        before = list(await keys.access.store.keys())
        places = [each for each in routes(keys.served) if each.requires == "admin"]
        for each in places:
            path = each.at({"key_id": other.key.key_id})
            assert await status_of(keys.served, each.method, path, eve) == 403, each
        after = list(await keys.access.store.keys())
        assert [_restrictions(each) for each in after] == [_restrictions(each) for each in before]
    assert len(places) >= 5


def _restrictions(key: ApiKey) -> object:
    return (key.key_id, key.role, key.scopes, key.limits, key.secrets, key.revoked_at_ms)
