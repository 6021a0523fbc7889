"""A thousand followers of one run, and some that never read."""

import asyncio
import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests.e2e.reading import Reader, parse
from tests.e2e.server_process import ServerProcess, server
from tests.e2e.upstream import DEADLINE, PacedReply, upstream

FOLLOWERS: Final = 1_000
STUCK: Final = 40
ALLOWED_BYTES: Final = 32 * 2**20
"""What forty readers that take nothing may cost the server: an unread queue each would be 160 MB."""
_CLOSING: Final = (1013).to_bytes(2, "big") + b"reading too slowly: connect again and resume"
_BUFFER: Final = 4_096


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """Let this process and the server have a socket for each follower."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FOLLOWERS + 500
    if before[1] != resource.RLIM_INFINITY and before[1] < wanted:
        pytest.skip(f"needs {wanted} open files; the system's limit is {before[1]}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], wanted), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Follower(asyncio.Protocol):
    """Keeps the bytes of one event stream; a thousand of them must cost the test little."""

    def __init__(self, request: bytes) -> None:
        self.received = bytearray()
        self.over = asyncio.get_running_loop().create_future()
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.received.endswith(b"0\r\n\r\n") and not self.over.done():
            self.over.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(exc or ConnectionResetError("cut off"))

    def reader(self) -> Reader:
        """What came, read as any client reads it."""
        head, _, rest = bytes(self.received).partition(b"\r\n\r\n")
        assert b" 200 " in head.splitlines()[0]
        body = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            body += rest[: int(size, 16)]
            rest = rest[int(size, 16) + 2 :]
        reader = Reader()
        for event in body.split(b"\n\n"):
            if frame := parse(event):
                reader.take(frame)
        return reader


def request_for(served: ServerProcess, run_id: str) -> bytes:
    path = f"/api/v1/runs/{run_id}/events?include_reasoning=true"
    return f"GET {path} HTTP/1.1\r\nHost: {_host(served)}\r\n\r\n".encode()


def upgrade_for(served: ServerProcess) -> bytes:
    return (
        f"GET /api/v1/chat/stream HTTP/1.1\r\nHost: {_host(served)}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def _host(served: ServerProcess) -> str:
    return served.url.removeprefix("http://")


def resuming(run_id: str) -> bytes:
    """A client's WebSocket message; the mask is zero, so the text stands as it is."""
    command = {"type": "resume", "run_id": run_id, "include_reasoning": True}
    text = json.dumps(command).encode()
    assert len(text) < 126
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text


def stalled_follower(served: ServerProcess, run_id: str, transport: str) -> socket.socket:
    """Follow a run with the smallest buffer there is, and take nothing."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    held.settimeout(DEADLINE)
    name, _, port = _host(served).rpartition(":")
    held.connect((name, int(port)))
    if transport == "sse":
        held.sendall(request_for(served, run_id))
        return held
    held.sendall(upgrade_for(served))
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += held.recv(1)
    assert b" 101 " in answer
    held.sendall(resuming(run_id))
    return held


async def until(served: ServerProcess, figure: str, count: int) -> None:
    """Return when the server counts so many."""
    async with asyncio.timeout(DEADLINE):
        while (await served.get("/system-status"))[1][figure] < count:
            pass


@pytest.mark.timeout(180)
@pytest.mark.promise("P9", "P14")
async def test_a_thousand_followers_of_one_run_get_all_of_it(tmp_path: Path) -> None:
    more = f"[server]\nmax_event_streams = {FOLLOWERS + 10}"
    async with upstream() as provider, server(tmp_path, provider.configuration(more)) as served:
        reply = provider.offer("Tell", PacedReply(300, held_at=10))
        reader = Reader()
        await reader.begin(served, "Tell", lambda: bool(reader.characters))
        request = request_for(served, reader.run_id)
        name, _, port = _host(served).rpartition(":")
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: Follower(request), name, int(port))
            for _ in range(FOLLOWERS)
        ]
        await until(served, "open_event_streams", FOLLOWERS)
        for through in range(20, reply.tokens + 1, 20):
            reply.let(through)
            await served.get("/health")
        async with asyncio.timeout(60):
            await asyncio.gather(*(follower.over for _, follower in made))
        for transport, follower in made:
            transport.close()
            received = follower.reader()
            assert (received.reasoning, received.answer) == (reply.reasoning, reply.answer)
            assert received.end is not None
            assert received.end["event"] == "complete"
            assert received.snapshots == []


@pytest.mark.promise("P14")
async def test_readers_that_stop_reading_delay_no_other_and_cost_bounded_memory(
    tmp_path: Path,
) -> None:
    # They are never dropped here: the others reach the end with them connected.
    more = "[server]\nsend_timeout_seconds = 600"
    async with upstream() as provider, server(tmp_path, provider.configuration(more)) as served:
        reply = provider.offer("Tell", PacedReply(2_000, held_at=1, padding="x" * 2_000))
        provider.offer("Alone", PacedReply(2_000, padding="x" * 2_000))
        before = served.resident_bytes()
        await Reader().begin(served, "Alone")
        alone = served.resident_bytes() - before
        reader = Reader()
        await reader.begin(served, "Tell", lambda: bool(reader.characters))
        before = served.resident_bytes()
        with ExitStack() as room:
            for number in range(STUCK):
                transport = "sse" if number % 2 else "socket"
                room.enter_context(
                    await asyncio.to_thread(stalled_follower, served, reader.run_id, transport)
                )
            await until(served, "open_event_streams", STUCK // 2)
            await until(served, "open_sockets", STUCK // 2)
            reply.release_all()
            await reader.resume(served)
            assert (reader.reasoning, reader.answer) == (reply.reasoning, reply.answer)
            _, status = await served.get("/system-status")
            assert status["dropped_readers"] == 0
            assert status["open_event_streams"] >= STUCK // 2
            assert status["open_sockets"] == STUCK // 2
            assert served.resident_bytes() - before - alone < ALLOWED_BYTES


@pytest.mark.promise("P9", "P14")
@pytest.mark.parametrize("transport", ["sse", "socket"])
async def test_a_reader_that_stops_reading_is_dropped_and_can_resume(
    transport: str, tmp_path: Path
) -> None:
    more = "[server]\nsend_timeout_seconds = 0.2"
    async with upstream() as provider, server(tmp_path, provider.configuration(more)) as served:
        # More than all buffers hold, and less than the limit of a run.
        reply = provider.offer("Tell", PacedReply(3_500, held_at=1, padding="x" * 2_000))
        reader = Reader(transport)
        await reader.begin(served, "Tell", lambda: bool(reader.characters))
        with await asyncio.to_thread(stalled_follower, served, reader.run_id, transport) as held:
            reply.release_all()
            await until(served, "dropped_readers", 1)
            left = await asyncio.to_thread(_drain, held)
        if transport == "socket":
            assert _CLOSING in left
        else:
            assert not left.endswith(b"0\r\n\r\n")
        async with asyncio.timeout(DEADLINE):
            while reader.end is None:  # On a busy machine, this reader may be too slow, too.
                with suppress(aiohttp.ClientPayloadError, ConnectionResetError):
                    await reader.resume(served)
        assert reader.end is not None
        assert reader.end["event"] == "complete"
        assert (reader.reasoning, reader.answer) == (reply.reasoning, reply.answer)


def _drain(held: socket.socket) -> bytes:
    """Take what there still is, up to the end of the connection or the frame that closes it."""
    taken = bytearray()
    try:
        while _CLOSING not in taken and (data := held.recv(65_536)):
            taken += data
    except ConnectionResetError:
        pass
    return bytes(taken)
