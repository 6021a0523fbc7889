"""Log in, log out, and see what a credential may do."""

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.server.access.keyed import Headers, Keyed, bearer, keyed
from tests.server.serving import serving
from thinkaloud.testing import ScriptedModel, say


async def test_without_a_credential_the_response_names_the_one_needed() -> None:
    async with keyed() as server:
        for path in ("/session", "/me", "/models", "/keys"):
            status, problem, headers = await server.ask("GET", path)
            assert (status, problem["code"]) == (401, "unauthorized")
            assert headers["WWW-Authenticate"] == "Bearer"
            assert "API key" in problem["detail"]


async def test_a_login_sets_a_cookie_that_scripts_cannot_read() -> None:
    async with keyed() as server:
        issued = await server.key()
        body = {"key": issued.value.text()}
        status, me, headers = await server.ask("POST", "/session", body=body)
        assert (status, me["owner"], me["key_name"]) == (200, "ada", "ada")
        cookie, *attributes = headers["Set-Cookie"].split("; ")
        assert cookie.startswith("thinkaloud_session=")
        assert sorted(attributes) == ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=strict"]
        assert issued.value.secret not in headers["Set-Cookie"]


async def test_a_login_over_https_sets_a_secure_cookie() -> None:
    origin = "https://agent.example"
    async with keyed(allowed_origins=(origin,), base_path="/app") as server:
        body = {"key": (await server.key()).value.text()}
        _, _, headers = await server.ask("POST", "/session", {"Origin": origin}, body)
        assert headers["Set-Cookie"].startswith("__Host-thinkaloud_session=")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(headers["Set-Cookie"].split("; "))
        _, _, headers = await server.ask("POST", "/session", body=body)
        assert "Path=/app" in headers["Set-Cookie"]


@pytest.mark.parametrize("key", ["", "wrong", "ta_abc_" + "x" * 43])
async def test_a_login_with_a_wrong_key_fails_and_is_throttled(key: str) -> None:
    async with keyed() as server:
        codes = []
        for _ in range(22):
            status, problem, headers = await server.ask("POST", "/session", body={"key": key})
            codes.append((status, problem["code"]))
            assert "Set-Cookie" not in headers
        assert codes == [(401, "unauthorized")] * 20 + [(429, "rate_limited")] * 2
        assert 0 < int(headers["Retry-After"]) <= 60
        await server.log_in(await server.key())


async def test_a_key_is_only_accepted_as_json() -> None:
    async with keyed() as server:
        key = (await server.key()).value.text()
        url = f"{server.served.api}/session"
        for content in ("text/plain", "application/x-www-form-urlencoded"):
            headers = {"Content-Type": content}
            body = f'{{"key": "{key}"}}'
            async with server.served.session.post(url, data=body, headers=headers) as response:
                assert response.status == 415
        async with server.served.session.post(url, params={"key": key}) as response:
            assert response.status == 415


async def test_a_page_of_another_site_cannot_log_in() -> None:
    async with keyed() as server:
        body = {"key": (await server.key()).value.text()}
        headers = {"Origin": "https://evil.example"}
        status, problem, _ = await server.ask("POST", "/session", headers, body)
        assert (status, problem["code"]) == (403, "foreign_origin")


async def test_a_session_reads_and_writes_only_for_pages_of_this_server() -> None:
    async with keyed() as server:
        cookie = await server.log_in(await server.key())
        assert (await server.ask("GET", "/session", cookie))[1]["session"] is True
        new = {"title": "A"}
        status, problem, _ = await server.ask("POST", "/conversations", cookie, new)
        assert (status, problem["code"]) == (403, "forbidden")
        page = {**cookie, "Origin": server.url}
        assert (await server.ask("POST", "/conversations", page, new))[0] == 201
        evil = {**cookie, "Origin": "https://evil.example"}
        assert (await server.ask("POST", "/conversations", evil, new))[0] == 403


async def test_a_logout_ends_the_session_and_deletes_the_cookies() -> None:
    async with keyed() as server:
        issued = await server.key()
        cookie, other = await server.log_in(issued), await server.log_in(issued)
        page = {**cookie, "Origin": server.url}
        status, _, headers = await server.ask("DELETE", "/session", page)
        assert status == 204
        assert "Max-Age=0" in headers["Set-Cookie"]
        assert (await server.ask("GET", "/session", cookie))[0] == 401
        assert (await server.ask("GET", "/session", other))[0] == 200
        assert (await server.ask("DELETE", "/session", bearer(issued)))[0] == 204
        assert (await server.ask("GET", "/me", bearer(issued)))[0] == 200


async def test_two_different_credentials_in_a_request_are_a_bad_request() -> None:
    async with keyed() as server:
        one, two = await server.key("one"), await server.key("two")
        both = {**bearer(one), "x-api-key": two.value.text()}
        status, problem, _ = await server.ask("GET", "/me", both)
        assert (status, problem["code"]) == (400, "bad_request")
        same = {**bearer(one), "x-api-key": one.value.text()}
        assert (await server.ask("GET", "/me", same))[0] == 200


async def test_a_key_can_read_its_permissions() -> None:
    async with keyed() as server:
        headers = await server.bearer(
            "phone",
            owner="ada",
            models=("lab/*",),
            max_effort="low",
            reasoning="redact",
            tokens_per_day=9,
        )
        _, me, _ = await server.ask("GET", "/me", headers)
        key_id = me.pop("key_id")
        assert len(key_id) == 12
        assert me == {
            "mode": "keys",
            "owner": "ada",
            "role": "user",
            "scopes": ["chat", "read"],
            "key_name": "phone",
            "expires_at_ms": None,
            "session": False,
            "models": ["lab/*"],
            "max_effort": "low",
            "reasoning": "redact",
            "limits": [
                {
                    "requests_per_minute": None,
                    "concurrent_runs": None,
                    "tokens_per_day": 9,
                    "applies_to": "key",
                    "remaining": {
                        "requests_per_minute": None,
                        "concurrent_runs": None,
                        "tokens_per_day": 9,
                    },
                }
            ],
        }


async def test_a_key_can_read_its_remaining_limits() -> None:
    async with keyed() as server:
        headers = await server.bearer(requests_per_minute=3, concurrent_runs=2)
        for text in ("One", "Two"):
            assert (await server.ask("POST", "/chat/message", headers, {"text": text}))[0] == 200
        _, me, _ = await server.ask("GET", "/me", headers)
        remaining = me["limits"][0]["remaining"]
        assert (remaining["requests_per_minute"], remaining["concurrent_runs"]) == (1, 2)


async def test_without_keys_everybody_is_the_only_owner() -> None:
    async with serving(ScriptedModel([say("Hi")])) as served:
        status, me = await served.get("/session")
        assert (status, me["mode"], me["owner"], me["role"]) == (200, "off", "local", "admin")
        async with served.session.get(f"{served.url}/webui/bootstrap") as response:
            assert (await response.json())["ticket"] is None


async def ticket(server: Keyed, headers: Headers, way: str) -> str:
    if way == "bootstrap":
        url = f"{server.url}/webui/bootstrap"
        async with server.served.session.get(url, headers=headers) as response:
            assert response.headers["Cache-Control"] == "no-store"
            return str((await response.json())["ticket"])
    status, body, answer = await server.ask("POST", "/tickets", headers)
    assert (status, answer["Cache-Control"]) == (201, "no-store")
    assert body["subprotocols"] == ["thinkaloud", f"ticket.{body['ticket']}"]
    return str(body["ticket"])


@pytest.mark.parametrize("way", ["tickets", "bootstrap"])
@pytest.mark.parametrize("path", ["/ws", "/api/v1/chat/stream"])
async def test_a_ticket_opens_one_socket(path: str, way: str) -> None:
    async with keyed() as server:
        value = await ticket(server, await server.bearer(), way)
        protocols = [Subprotocol("thinkaloud"), Subprotocol(f"ticket.{value}")]
        async with connect(server.socket_url + path, subprotocols=protocols) as socket:
            assert socket.subprotocol == "thinkaloud"
        with pytest.raises(InvalidStatus) as refused:
            await connect(server.socket_url + path, subprotocols=protocols)
        assert refused.value.response.status_code == 401


@pytest.mark.parametrize("path", ["/ws", "/api/v1/chat/stream"])
async def test_no_credential_in_a_query_opens_a_socket(path: str) -> None:
    async with keyed() as server:
        issued = await server.key()
        value = await ticket(server, bearer(issued), "tickets")
        key = issued.value.text()
        for query in (f"ticket={value}", f"ticket.{value}", f"key={key}", f"token={key}"):
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{server.socket_url}{path}?{query}")
            assert refused.value.response.status_code == 401


@pytest.mark.parametrize("path", ["/ws", "/api/v1/chat/stream"])
async def test_a_ticket_of_another_owner_beside_a_session_opens_no_socket(path: str) -> None:
    async with keyed() as server:
        cookie = await server.log_in(await server.key("one"))
        value = await ticket(server, await server.bearer("two"), "tickets")
        protocols = [Subprotocol("thinkaloud"), Subprotocol(f"ticket.{value}")]
        headers = {**cookie, "Origin": server.url}
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                server.socket_url + path, subprotocols=protocols, additional_headers=headers
            )
        assert refused.value.response.status_code == 400


@pytest.mark.parametrize("path", ["/ws", "/api/v1/chat/stream"])
async def test_a_session_opens_sockets_only_for_pages_of_this_server(path: str) -> None:
    async with keyed() as server:
        cookie = await server.log_in(await server.key())
        url = server.socket_url + path
        async with connect(url, additional_headers={**cookie, "Origin": server.url}) as socket:
            assert socket.subprotocol is None
        for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            with pytest.raises(InvalidStatus) as refused:
                await connect(url, additional_headers={**cookie, **origin})
            assert refused.value.response.status_code == 403
