"""When a key or a session ends, its open connections end, too."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.auth.people import ADMIN, request
from tests.auth.people import bearer as bearer_of
from tests.server.access.keyed import Keyed, bearer, keyed
from thinkaloud.auth.access import Access
from thinkaloud.auth.administration import Issued
from thinkaloud.auth.audit import TERMINAL
from thinkaloud.auth.key_fields import KeyChange
from thinkaloud.ports.clock import SystemClock
from thinkaloud.server.open_streams import OpenStreams
from thinkaloud.stores.keys import SqliteKeyStore
from thinkaloud.testing import ScriptedModel, Silence, think

SOCKETS = ["/api/v1/chat/stream", "/ws"]


async def closed_with(socket: ClientConnection) -> int | None:
    """The code that the server closes a socket with."""
    await socket.wait_closed()
    return socket.close_code


async def read_to_end(response: aiohttp.ClientResponse) -> None:
    """Read a stream until the server ends it, in whichever way."""
    with suppress(aiohttp.ClientPayloadError):
        await response.content.read()


async def revoked(server: Keyed, issued: Issued) -> None:
    admin = await server.bearer("root", role="admin")
    status, _, _ = await server.ask("DELETE", f"/keys/{issued.key.key_id}", admin)
    assert status == 204


async def expired(server: Keyed, issued: Issued) -> None:
    await server.access.administration.edit(issued.key.key_id, KeyChange(expires="0s"), ADMIN)


async def rotated(server: Keyed, issued: Issued) -> None:
    await server.access.administration.rotate(issued.key.key_id, 0, ADMIN)


@pytest.mark.parametrize("end", [revoked, expired, rotated])
async def test_a_revoked_keys_sockets_streams_and_runs_end(
    end: Callable[[Keyed, Issued], Awaitable[None]],
) -> None:
    async with keyed(model=ScriptedModel([think("Hm"), Silence()])) as server:
        issued = await server.key()
        url = f"{server.served.api}/chat/stream-sse"
        session = server.served.session
        async with (
            session.post(url, json={"text": "Hi"}, headers=bearer(issued)) as stream,
            connect(server.socket_url + SOCKETS[0], additional_headers=bearer(issued)) as one,
            connect(server.socket_url + SOCKETS[1], additional_headers=bearer(issued)) as two,
        ):
            run_id = stream.headers["X-Run-ID"]
            await end(server, issued)
            assert [await closed_with(each) for each in (one, two)] == [4401, 4401]
            await read_to_end(stream)
        assert (run_id in server.served.runs.active) == (end is rotated)


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_logout_closes_the_sockets_of_the_session_and_no_others(path: str) -> None:
    async with keyed() as server:
        issued = await server.key()
        cookies = [await server.log_in(issued) for _ in range(2)]
        pages = [{**cookie, "Origin": server.url} for cookie in cookies]
        url = server.socket_url + path
        async with (
            connect(url, additional_headers=pages[0]) as one,
            connect(url, additional_headers=pages[1]) as two,
        ):
            assert (await server.ask("DELETE", "/session", pages[0]))[0] == 204
            assert await closed_with(one) == 4401
            await (await two.ping())


async def test_a_key_revoked_in_the_terminal_ends_at_the_servers_next_check(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    async with (
        SqliteKeyStore.open(path) as store,
        SqliteKeyStore.open(path) as of_terminal,
        keyed(store=store) as server,
    ):
        issued = await server.key()
        url = server.socket_url + SOCKETS[1]
        async with connect(url, additional_headers=bearer(issued)) as socket:
            terminal = Access(of_terminal, SystemClock())
            await terminal.administration.revoke(issued.key.key_id, TERMINAL)
            await server.access.tick()
            assert await closed_with(socket) == 4401
        assert (await server.ask("GET", "/me", bearer(issued)))[0] == 401


@pytest.mark.promise("P7")
@pytest.mark.parametrize(
    "change",
    [KeyChange(reasoning="deny"), KeyChange(scopes=("chat",)), KeyChange(role="admin")],
)
async def test_what_a_key_has_open_ends_when_it_permits_something_else(change: KeyChange) -> None:
    model = ScriptedModel([think("Hm"), Silence()])
    async with keyed(model=model) as server:
        issued = await server.key()
        url = f"{server.served.api}/chat/stream-sse"
        async with (
            server.served.session.post(url, json={"text": "Hi"}, headers=bearer(issued)) as stream,
            connect(server.socket_url + SOCKETS[0], additional_headers=bearer(issued)) as one,
            connect(server.socket_url + SOCKETS[1], additional_headers=bearer(issued)) as two,
        ):
            run_id = stream.headers["X-Run-ID"]
            # A limit applies from the next run, and closes nothing.
            limit = KeyChange(requests_per_minute=1)
            await server.access.administration.edit(issued.key.key_id, limit, ADMIN)
            await (await one.ping())
            await server.access.administration.edit(issued.key.key_id, change, ADMIN)
            assert [await closed_with(each) for each in (one, two)] == [1012, 1012]
            await read_to_end(stream)
        assert run_id in server.served.runs.active


async def test_a_socket_opened_while_its_key_is_restricted_is_closed() -> None:
    async with keyed() as server:
        issued = await server.key()
        principal = await server.access.authenticator.authenticate(request(bearer_of(issued)))
        streams = OpenStreams(server.access.authenticator)
        ends: list[str] = []
        with streams.opened(principal, ends.append):
            assert ends == []
        await server.access.administration.edit(
            issued.key.key_id, KeyChange(reasoning="redact"), ADMIN
        )
        with streams.opened(principal, ends.append):
            assert ends == ["changed"]
