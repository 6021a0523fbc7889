"""Every route requires a credential with the right scope."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any, get_args

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.channels.sockets import hosting
from tests.server.credentials import Named, credential, limited_to
from tests.server.serving import Served, serving
from thinkaloud.ports.principal import ALL_SCOPES, Principal, Requirement
from thinkaloud.testing import ScriptedModel, say

OPEN = {"/healthz", "/readyz", "/api/v1/session"}
"""The last one logs in: its credential is in the body."""


def everyone() -> Named:
    """Principals with one scope each, and one with none."""
    single = {scope: limited_to(scope) for scope in ALL_SCOPES}
    return Named(all=Principal("ana"), none=limited_to(), **single)


@asynccontextmanager
async def guarded() -> AsyncGenerator[Served]:
    async with serving(ScriptedModel([say("Hi")] * 99), authenticator=everyone()) as served:
        yield served


async def routes(served: Served) -> list[tuple[str, str, Requirement]]:
    """Every operation with an example path, from the published document."""
    url = f"{served.url}/api/openapi.json"
    async with served.session.get(url, headers=credential("all")) as response:
        paths = (await response.json())["paths"]
    return [
        (method.upper(), _example(path), operation["x-requires"])
        for path, operations in paths.items()
        for method, operation in operations.items()
    ]


def _example(path: str) -> str:
    for name in ("conversation_id", "run_id", "upload_id"):
        path = path.replace(f"{{{name}}}", "nothing")
    return path.replace("{number}", "1")


async def statuses(
    served: Served, places: Iterable[tuple[str, str, Requirement]], name: str
) -> dict[tuple[str, str], tuple[int, Any]]:
    """The status and the `field` of the answer of each place to this principal."""
    found: dict[tuple[str, str], tuple[int, Any]] = {}
    for method, path, _ in places:
        headers = credential(name)
        url = served.url + path
        async with served.session.request(method, url, headers=headers) as response:
            is_problem = response.content_type == "application/problem+json"
            field = (await response.json()).get("field") if is_problem else None
            found[method, path] = (response.status, field)
    return found


async def test_every_route_except_the_probes_and_the_login_requires_a_credential() -> None:
    async with guarded() as served:
        places = await routes(served)
        found = await statuses(served, places, "stranger")
    assert {path for (_, path), (status, _) in found.items() if status != 401} == OPEN
    assert len(places) > 30


@pytest.mark.parametrize("name", [*sorted(ALL_SCOPES), "none"])
async def test_a_key_is_refused_exactly_where_its_scopes_do_not_suffice(name: str) -> None:
    async with guarded() as served:
        places = await routes(served)
        found = await statuses(served, places, name)
    allowed = {"any", "none", name}
    for method, path, requires in places:
        refused = found[method, path] == (403, "scope")
        assert refused is (requires not in allowed), (method, path, requires)


async def test_every_requirement_of_a_route_is_a_known_one() -> None:
    async with guarded() as served:
        kinds = {requires for _, _, requires in await routes(served)}
    known = {each for union in get_args(Requirement) for each in get_args(union)}
    assert {"chat", "read", "metrics"} <= kinds <= known


async def test_a_request_without_a_credential_learns_how_to_send_one() -> None:
    async with guarded() as served, served.session.get(f"{served.api}/models") as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert (await response.json())["code"] == "unauthorized"


async def test_an_unknown_path_requires_a_credential_like_a_known_one() -> None:
    async with guarded() as served:
        assert (await served.get("/nothing"))[0] == 401
        assert (await served.get("/nothing", headers=credential("none")))[0] == 404
        async with served.session.put(f"{served.api}/models") as response:
            assert response.status == 401


async def test_a_route_added_to_the_app_requires_a_credential() -> None:
    async def hello(request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    def extend(app: Starlette, services: object) -> None:
        app.add_route("/hello", hello)

    extended = serving(ScriptedModel(), authenticator=everyone(), extend=extend)
    async with extended as served:
        async with served.session.get(f"{served.url}/hello") as response:
            assert response.status == 401
        headers = credential("none")
        async with served.session.get(f"{served.url}/hello", headers=headers) as response:
            assert (response.status, await response.text()) == (200, "hello")


async def test_a_probe_without_a_credential_learns_only_the_status() -> None:
    async with guarded() as served:
        async with served.session.get(f"{served.url}/readyz") as response:
            assert (response.status, (await response.json())["checks"]) == (200, {})
        headers = credential("read")
        async with served.session.get(f"{served.url}/readyz", headers=headers) as response:
            assert (await response.json())["checks"]


@pytest.mark.parametrize("path", ["/api/v1/chat/stream", "/ws"])
@pytest.mark.parametrize(("name", "status"), [("stranger", 401), ("metrics", 403), ("none", 403)])
async def test_a_socket_without_permission_is_refused_before_it_is_accepted(
    path: str, name: str, status: int
) -> None:
    async with hosting(ScriptedModel(), authenticator=everyone()) as served:
        url = f"{served.url}{path}".replace("http", "ws", 1)
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url, additional_headers=credential(name)):
                raise AssertionError("The socket was accepted.")
    assert refused.value.response.status_code == status


async def test_a_reading_key_cannot_send_or_stop_on_the_chat_socket() -> None:
    async with guarded() as served:
        async with connect(served.socket_url, additional_headers=credential("read")) as socket:
            for frame in ('{"text": "Hi"}', '{"type": "stop"}'):
                await socket.send(frame)
                assert '"code":"forbidden"' in str(await socket.recv())
                assert not len(served.runs.active)
        async with connect(served.socket_url, additional_headers=credential("chat")) as socket:
            await socket.send('{"type": "resume", "conversation_id": "c"}')
            assert '"field":"scope"' in str(await socket.recv())
            await socket.send('{"text": "Hi"}')
            assert '"event":"start"' in str(await socket.recv())


async def test_a_reading_key_cannot_send_on_the_page_socket_and_a_sending_one_not_attach() -> None:
    async with hosting(ScriptedModel(), authenticator=everyone()) as served:
        url = f"{served.url}/ws".replace("http", "ws", 1)
        async with connect(url, additional_headers=credential("read")) as socket:
            assert '"ready"' in str(await socket.recv())
            for frame in ("Hi", '{"type":"new_chat"}', '{"type":"stop","chat_id":"c"}'):
                await socket.send(frame)
                assert '"code":"forbidden"' in str(await socket.recv())
        async with connect(url, additional_headers=credential("chat")) as socket:
            assert '"ready"' in str(await socket.recv())
            await socket.send('{"type":"attach","chat_id":"c"}')
            assert '"code":"forbidden"' in str(await socket.recv())


async def test_two_principals_of_one_server_see_their_own_conversations() -> None:
    named = Named(ana=Principal("ana"), bob=Principal("bob"))
    async with serving(ScriptedModel([say("Hi")] * 9), authenticator=named) as served:
        body = {"text": "Hi"}
        _, made = await served.post("/chat/message", body, headers=credential("ana"))
        path = f"/conversations/{made['conversation_id']}/messages"
        assert (await served.get(path, headers=credential("ana")))[0] == 200
        assert (await served.get(path, headers=credential("bob")))[0] == 404
