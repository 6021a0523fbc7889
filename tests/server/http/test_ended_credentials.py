"""A revoked key loses its open streams, its sockets and its runs; other keys lose nothing."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect

from tests.channels.sockets import hosting
from tests.server.credentials import Named, credential
from tests.server.serving import Served
from thinkaloud.auth.keyring import Ended
from thinkaloud.ports.principal import Principal
from thinkaloud.testing import ScriptedModel, Silence, say, think

SOCKETS = ["/api/v1/chat/stream", "/ws"]
LOST = Principal("ana", key_id="lost", credential="lost.1")
KEPT = Principal("ana", key_id="kept", credential="kept.1")


class Revoking:
    """A server with two keys of one owner, and the list of them."""

    def __init__(self, served: Served, known: Named) -> None:
        self.served = served
        self.known = known

    async def revoke(self) -> None:
        """Revoke the key `lost`."""
        self.known.change("lost", None)
        await self.served.app.end(Ended(frozenset({"lost"}), frozenset({"lost.1"})))

    async def begin(self, name: str, conversation: str) -> str:
        """Start a run that never ends, and return its id once it is active."""
        body = {"text": "Hi", "conversation_id": conversation}
        url = f"{self.served.api}/chat/stream-sse"
        async with self.served.session.post(url, json=body, headers=credential(name)) as response:
            assert response.status == 200
            return str(response.headers["X-Run-ID"])

    def follow(self, name: str, run_id: str) -> Any:
        """Follow a run as one of the keys."""
        url = f"{self.served.api}/runs/{run_id}/events"
        return self.served.session.get(url, headers=credential(name))

    def socket(self, name: str, path: str) -> connect:
        """Open a socket as one of the keys."""
        url = f"{self.served.url}{path}".replace("http", "ws", 1)
        return connect(url, additional_headers=credential(name))


@asynccontextmanager
async def revoking() -> AsyncGenerator[Revoking]:
    known = Named(lost=LOST, kept=KEPT)
    model = ScriptedModel(*([think("Hm"), Silence()] for _ in range(4)))
    async with hosting(model, authenticator=known) as served:
        yield Revoking(served, known)


async def read_to_end(response: aiohttp.ClientResponse) -> None:
    """Read a stream until the server ends it, in whichever way."""
    try:
        async for _ in response.content:
            pass
    except aiohttp.ClientPayloadError:
        pass


async def test_a_stream_of_a_revoked_key_ends_and_one_of_another_key_does_not() -> None:
    async with revoking() as server:
        run_id = await server.begin("kept", "c")
        async with server.follow("lost", run_id) as lost, server.follow("kept", run_id) as kept:
            await server.revoke()
            await read_to_end(lost)
            assert run_id in server.served.runs.active
            await server.served.runs.stop("ana", run_id)
            assert b"complete" in await kept.read()
        async with server.follow("lost", run_id) as again:
            assert again.status == 401


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_socket_of_a_revoked_key_is_closed_with_its_own_code(path: str) -> None:
    async with (
        revoking() as server,
        server.socket("lost", path) as lost,
        server.socket("kept", path) as kept,
    ):
        await server.revoke()
        await lost.wait_closed()
        assert lost.close_code == 4401
        await (await kept.ping())


async def test_the_runs_of_a_revoked_key_are_stopped_and_others_continue() -> None:
    async with revoking() as server:
        lost, kept = await server.begin("lost", "c1"), await server.begin("kept", "c2")
        await server.revoke()
        assert (lost in server.served.runs.active, kept in server.served.runs.active) == (
            False,
            True,
        )
        headers = credential("kept")
        _, run = await server.served.get(f"/runs/{lost}", headers=headers)
        assert run["status"] == "stopped"


async def test_a_key_that_is_revoked_while_its_message_arrives_starts_no_run() -> None:
    async with revoking() as server:
        go = asyncio.Event()

        async def body() -> AsyncGenerator[bytes]:
            yield b'{"text":'
            await go.wait()
            yield b' "Hi"}'

        headers = {**credential("lost"), "Content-Type": "application/json"}
        url = f"{server.served.api}/chat/message"
        sending = asyncio.ensure_future(
            server.served.session.post(url, data=body(), headers=headers)
        )
        await server.known.asked.wait()
        await server.revoke()
        go.set()
        async with await sending as response:
            assert response.status == 401
        assert not len(server.served.runs.active)


async def test_a_message_on_an_open_socket_is_subject_to_what_its_key_permits_now() -> None:
    known = Named(key=Principal("ana", credential="key.1"))
    model = ScriptedModel([say("One.")], [say("Two.")])
    async with hosting(model, authenticator=known) as served:
        url = f"{served.url}/api/v1/chat/stream".replace("http", "ws", 1)
        async with connect(url, additional_headers=credential("key")) as socket:
            await socket.send('{"text": "Hi"}')
            while '"complete"' not in str(await socket.recv()):
                pass
            reading = Principal("ana", credential="key.1", scopes=frozenset({"read"}))
            known.change("key", reading)
            await socket.send('{"text": "Hi"}')
            assert '"code":"forbidden"' in str(await socket.recv())
    assert len(model.requests) == 1
