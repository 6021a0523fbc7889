"""Starting and stopping the server itself."""

import asyncio
import signal
import socket
import sys

import aiohttp
import pytest

from tests.server.serving import serving
from thinkaloud.errors import ConfigurationError
from thinkaloud.server.app import create_app
from thinkaloud.server.connections.uvicorn_server import bind, serve
from thinkaloud.server.settings import ServerSettings
from thinkaloud.testing import ScriptedModel, Silence, say, think


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "", "::ffff:127.0.0.1"]
)
def test_an_address_that_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"server\.host .* requires no keys"):
        bind(ServerSettings(host=host, port=0))


def test_a_body_does_not_wait_until_the_client_has_acknowledged_the_headers() -> None:
    with bind(ServerSettings(port=0)) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            connection, _ = listener.accept()
            with connection:
                assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_in_use_is_reported_with_a_solution() -> None:
    with bind(ServerSettings(port=0)) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"{port} is in use .* --port"):
            bind(ServerSettings(port=port))


@pytest.mark.skipif(sys.platform != "linux", reason="the options of Linux")
def test_a_connection_to_a_vanished_client_times_out() -> None:
    settings = ServerSettings(port=0, send_timeout_seconds=10.0)
    with bind(settings) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                found = [
                    accepted.getsockopt(socket.IPPROTO_TCP, option)
                    for option in (
                        socket.TCP_KEEPIDLE,
                        socket.TCP_KEEPINTVL,
                        socket.TCP_KEEPCNT,
                        socket.TCP_USER_TIMEOUT,
                    )
                ]
    assert found == [10, 3, 3, 25_000]


async def test_it_prints_its_address_and_stops_on_a_signal() -> None:
    reached: asyncio.Queue[str] = asyncio.Queue()
    async with serving(ScriptedModel()) as served:
        app = create_app(served.services)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(serve(app, served.services.settings, ready=reached.put_nowait))
            url = await reached.get()
            async with served.session.get(f"{url}/healthz") as response:
                assert response.status == 200
            signal.raise_signal(signal.SIGTERM)
            await task
        with pytest.raises(aiohttp.ClientConnectorError):
            await served.session.get(f"{url}/healthz")


@pytest.mark.promise("P2", "P3")
async def test_stopping_the_server_ends_every_run_and_its_readers_see_it() -> None:
    script = [think("T"), say("Half"), Silence()]
    async with (
        serving(ScriptedModel(*[script] * 3)) as served,
        served.socket() as socket,
        served.events("POST", "/chat/stream-sse", json={"text": "Hi"}) as stream,
    ):
        await socket.send({"text": "Hi"})
        asking = asyncio.ensure_future(served.post("/chat/message", {"text": "Hi"}))
        while (await socket.receive())["event"] != "token":
            pass
        while (await anext(stream))["event"] != "token":
            pass
        while (await served.get("/system-status"))[1]["active_runs"] < 3:
            pass
        served.server.stop()
        on_socket = (await socket.until_end())[-1]
        on_stream = [frame async for frame in stream][-1]
        status, problem = await asking
    assert on_socket["data"]["code"] == on_stream["data"]["code"] == "interrupted"
    assert (status, problem["code"], problem["retryable"]) == (503, "interrupted", True)


async def test_stopping_the_server_ends_followers_of_quiet_conversations() -> None:
    async with serving(ScriptedModel()) as served:
        await served.post("/conversations", {"conversation_id": "c1"})
        async with served.events("GET", "/conversations/c1/events") as stream:
            served.server.stop()
            assert [frame async for frame in stream] == []
