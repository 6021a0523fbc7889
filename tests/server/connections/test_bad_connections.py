"""Connections that send too much, too little or nonsense end with a reason, and affect nobody else."""

import asyncio
import logging
from collections.abc import Sequence

import pytest
from websockets.asyncio.client import connect

from tests.channels.sockets import client, hosting
from tests.server.raw import (
    BINARY,
    CONT,
    HOST,
    PING,
    TEXT,
    UPGRADE,
    answer,
    close_code,
    frame,
    parsed,
    raw,
    raw_socket,
)
from tests.server.serving import Served, serving
from thinkaloud.events.prompt import UserTurn
from thinkaloud.testing import ScriptedModel, say

GET = b"GET /healthz HTTP/1.1\r\n" + HOST
LAST = GET + b"Connection: close\r\n\r\n"
POST = b"POST /api/v1/chat/message HTTP/1.1\r\nContent-Type: application/json\r\n" + HOST


async def assert_healthy(served: Served) -> None:
    async with served.session.get(f"{served.url}/healthz") as response:
        assert response.status == 200


def complaints(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What the log has of errors, and of anything with a traceback."""
    return [each for each in caplog.records if each.levelno >= logging.ERROR or each.exc_info]


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X-Large: " + b"x" * 100_000 + b"\r\n\r\n",
        GET + b"X-Large: " + b"x" * 20_000_000,
        GET + b"x" * 1_000_000,
        GET + b"X-Small: x\r\n" * 10_000 + b"\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /" + b"x" * 1_000_000,
        POST + b"Cookie: " + b"x" * 70_000 + b'\r\nContent-Length: 14\r\n\r\n{"text": "Hi"}',
        UPGRADE[:-2] + b"Cookie: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
    ids=["a header", "20 MB", "a name", "headers", "address", "half", "with a body", "upgrade"],
)
async def test_a_head_that_is_too_large_is_refused_with_the_limit(head: bytes) -> None:
    model = ScriptedModel()
    async with hosting(model) as served:
        status, problem = await answer(served, head)
        assert (status, problem["code"]) == (431, "header_too_large")
        assert "65,536 bytes" in problem["detail"]
        await assert_healthy(served)
    assert model.requests == []


async def test_a_head_within_the_limit_is_taken_however_it_is_split() -> None:
    head = GET + b"X-Large: " + b"x" * 60_000 + b"\r\nConnection: close\r\n\r\n"
    async with serving(ScriptedModel()) as served, raw(served) as connection:
        for start in range(0, len(head), 7_000):
            await connection.send(head[start : start + 7_000])
            await asyncio.sleep(0)
        assert parsed(await connection.rest())[0] == 200


async def test_many_requests_on_one_connection_have_a_limit_each() -> None:
    request = GET + b"X-Large: " + b"x" * 50_000 + b"\r\n\r\n"
    async with serving(ScriptedModel()) as served, raw(served) as connection:
        for _ in range(5):
            await connection.send(request)
            assert (await connection.head()).startswith(b"HTTP/1.1 200 ")
            await connection.reader.readuntil(b"}")
        # And all at once.
        await connection.send(request * 3 + LAST)
        assert (await connection.rest()).count(b"HTTP/1.1 200 ") == 4


async def test_trailers_are_read_and_dropped_whatever_they_say() -> None:
    body = b'{"title": "T"}'
    chunked = (
        b"POST /api/v1/conversations HTTP/1.1\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\nTransfer-Encoding: chunked\r\n%s\r\n%x\r\n%s\r\n0\r\n%s\r\n"
    )
    trailers = b"Host: elsewhere.example\r\n" + b"X-More: x\r\n" * 1_000
    async with serving(ScriptedModel()) as served:
        request = chunked % (HOST, len(body), body, trailers)
        status, made = await answer(served, request)
    assert (status, made["title"]) == (201, "T")


@pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\n", GET, GET + b"X: y"])
async def test_an_unfinished_head_times_out(sent: bytes) -> None:
    async with serving(ScriptedModel(), header_timeout_seconds=0.1) as served:
        status, problem = await answer(served, sent)
    assert (status, problem["code"]) == (408, "header_timeout")


async def test_a_connection_that_sends_nothing_is_closed_without_a_response() -> None:
    async with (
        serving(ScriptedModel(), header_timeout_seconds=0.1) as served,
        raw(served) as connection,
    ):
        assert await connection.rest() == b""


async def test_a_slowly_sent_head_gets_no_more_time() -> None:
    async with (
        serving(ScriptedModel(), header_timeout_seconds=0.3) as served,
        raw(served) as connection,
    ):
        await connection.send(GET)
        reading = asyncio.ensure_future(connection.rest())
        while not reading.done():
            await connection.send(b"X: y\r\n")
            await asyncio.wait([reading], timeout=0.02)
        assert parsed(await reading)[0] == 408


async def test_half_open_connections_are_closed_for_active_ones(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = ScriptedModel([say("Fine.")])
    async with (
        hosting(model, max_waiting_connections=50) as served,
        client(served) as one,
        raw(served) as old,
    ):
        held: list[asyncio.StreamWriter] = []
        port = int(served.url.rpartition(":")[2])
        for number in range(400):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write((b"", b"G", GET, POST + b"Content-Length: 9\r\n\r\n")[number % 4])
            held.append(writer)
            if number % 50 == 0:
                # Who was there before has the socket; who comes now is served.
                await assert_healthy(served)
                await one.send({"type": "ping"})
                await one.until("pong")
        while len(served.server.server_state.connections) > 60:
            await answer(served, LAST)
        assert await old.rest() == b""
        await one.say("room")
        assert (await one.turn("room"))[-1]["status"] == "completed"
        for writer in held:
            writer.close()
    assert [each.name for each in caplog.records].count("thinkaloud.server.connections.limits") < 5
    assert complaints(caplog) == []


async def test_many_concurrent_clients_are_all_served() -> None:
    async with serving(ScriptedModel(), max_waiting_connections=20) as served:
        asked = [asyncio.create_task(answer(served, LAST)) for _ in range(300)]
        assert {status for status, _ in await asyncio.gather(*asked)} == {200}


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"HELLO\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        GET + b"Content-Length: x\r\n\r\n",
        GET + b"No colon\r\n\r\n",
        GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nnot a size\r\n",
    ],
)
async def test_invalid_http_gets_a_problem_and_the_connection_ends(
    request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(ScriptedModel()) as served:
        status, problem = await answer(served, request_)
        assert (status, problem["code"]) == (400, "malformed_request")
        await assert_healthy(served)
    assert complaints(caplog) == []


async def test_requests_before_invalid_bytes_are_answered_first() -> None:
    async with serving(ScriptedModel()) as served, raw(served) as connection:
        await connection.send(GET + b"\r\n" + GET + b"\r\nNO HTTP\r\n\r\n")
        found = await connection.rest()
    assert found.count(b"HTTP/1.1 200 ") == 2
    assert found.endswith(b'{"status":"alive"}')


async def test_a_thousand_bad_requests_are_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(ScriptedModel()) as served:
        for _ in range(100):
            assert (await answer(served, b"NO HTTP\r\n\r\n"))[0] == 400
    warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert [each.getMessage() for each in warnings] == [
        "requests refused: This is not a valid HTTP/1.1 request."
    ]


async def test_a_client_that_offers_http_2_is_served_also_with_a_body() -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAA\r\n"
    body = b'{"text": "What I say"}'
    with_length = POST + offer + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    chunked = (
        POST
        + offer
        + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
        % (
            len(body),
            body,
        )
    )
    model = ScriptedModel([say("One.")], [say("Two.")])
    async with serving(model) as served, raw(served) as connection:
        await connection.send(GET + offer + b"\r\n")
        assert (await connection.head()).startswith(b"HTTP/1.1 200 ")
        await connection.reader.readuntil(b"}")
        await connection.send(with_length + chunked + LAST)
        found = await connection.rest()
    assert found.count(b"HTTP/1.1 200 ") == 3
    assert found.index(b"One.") < found.index(b"Two.")
    for request in model.requests:
        (turn,) = request.turns
        assert isinstance(turn, UserTurn)
        assert turn.text == "What I say"


HANDSHAKES = {
    "no key": UPGRADE.replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""),
    "a short key": UPGRADE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"x"),
    "an old version": UPGRADE.replace(b"Version: 13", b"Version: 8"),
    "a long header": UPGRADE[:-2] + b"Cookie: " + b"x" * 9_000 + b"\r\n\r\n",
    "many headers": UPGRADE[:-2] + b"X: y\r\n" * 200 + b"\r\n",
    "a POST": UPGRADE.replace(b"GET", b"POST"),
    "a body": UPGRADE[:-2] + b"Content-Length: 3\r\n\r\nabc",
    "a name of no token": UPGRADE[:-2] + b"X\xe9: y\r\n\r\n",
}


@pytest.mark.parametrize("name", HANDSHAKES)
async def test_an_invalid_handshake_is_refused_and_the_connection_ends(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with hosting(ScriptedModel()) as served:
        async with raw(served) as connection:
            await connection.send(HANDSHAKES[name])
            assert (await connection.rest()).startswith(b"HTTP/1.1 4")
        await assert_healthy(served)
    assert complaints(caplog) == []


async def test_frames_that_come_with_the_handshake_are_not_lost() -> None:
    async with hosting(ScriptedModel([say("Hi.")])) as served, raw(served) as connection:
        await connection.send(UPGRADE + frame(TEXT, b"Hello"))
        async with asyncio.timeout(30):
            assert b"Hi." in await connection.reader.readuntil(b"turn_end")


BROKEN: dict[str, tuple[Sequence[bytes], int | None]] = {
    "no UTF-8": ([frame(TEXT, b"\xff\xfe")], 1007),
    "no UTF-8 over two fragments": (
        [frame(TEXT, b"\xe2", fin=False), frame(CONT, b"\x28\xa1")], 1007,
    ),
    "not masked": ([frame(TEXT, b"x", masked=False)], 1002),
    "a fragment of nothing": ([frame(CONT, b"x")], 1002),
    "a message in a message": ([frame(TEXT, b"x", fin=False), frame(TEXT, b"y")], 1002),
    "an unknown opcode": ([frame(5, b"x")], 1002),
    "a reserved bit": ([bytes([0xC1, 0x80]) + b"\0\0\0\0"], 1002),
    "a long ping": ([frame(PING, b"x" * 126)], 1002),
    "a ping in pieces": ([frame(PING, b"x", fin=False)], 1002),
    "a close of one byte": ([frame(8, b"x")], 1002),
    "a close in a message": ([frame(TEXT, b"x", fin=False), frame(8, b"\x03\xe8")], 1002),
    "a length of 63 bits": ([bytes([0x82, 0xFF]) + b"\x7f" + b"\xff" * 7], 1009),
    "too large": ([frame(BINARY, b"x" * 70_000)], 1009),
    "too large in fragments": ([frame(TEXT, b"x" * 40_000, fin=False)] * 1 + [
        frame(CONT, b"x" * 40_000, fin=False)], 1009),
    "empty fragments": ([frame(TEXT, b"", fin=False), *[frame(CONT, b"", fin=False)] * 2_000], 1008),
    "empty fragments among others": (
        [frame(TEXT, b"x", fin=False), *[frame(CONT, b"", fin=False), frame(CONT, b"y", fin=False)]
         * 1_000], 1008,
    ),
    "a close, and more": ([frame(8, b"\x03\xe8"), frame(TEXT, b"x")], 1000),
    "empty fragments, and pings": ([frame(TEXT, b"", fin=False),
        *[frame(CONT, b"", fin=False)] * 200, *[frame(PING, b"x")] * 3], 1008),
    "no UTF-8, and a ping": ([frame(TEXT, b"\xff\xfe"), frame(PING, b"x")], 1007),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_frame_ends_its_socket_with_a_code_and_nothing_else(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    frames, code = BROKEN[name]
    async with hosting(ScriptedModel(), max_body_bytes=65_536) as served, client(served) as one:
        for at_once in (True, False):
            async with raw_socket(served) as connection:
                for piece in [b"".join(frames)] if at_once else frames:
                    await connection.send(piece)
                    await asyncio.sleep(0)
                assert close_code(await connection.rest()) == code
        await one.send({"type": "ping"})
        await one.until("pong")
    assert complaints(caplog) == []


async def test_bad_frames_of_many_sockets_are_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with hosting(ScriptedModel()) as served:
        for _ in range(50):
            async with raw_socket(served) as connection:
                await connection.send(frame(TEXT, b"\xff"))
                await connection.rest()
    assert len([each for each in caplog.records if each.levelno >= logging.WARNING]) == 1


async def test_a_message_in_many_fragments_is_one_message() -> None:
    model = ScriptedModel([say("Hi.")])
    text = "thirty thousand " * 2_000
    async with hosting(model) as served, connect(f"{served.url}/ws".replace("http", "ws")) as one:
        await one.send([text[place : place + 1] for place in range(len(text))])
        async for frame in one:
            if "turn_end" in str(frame):
                break
    (turn,) = model.requests[0].turns
    assert isinstance(turn, UserTurn)
    assert turn.text == text


@pytest.mark.parametrize(
    "sent",
    [
        [frame(TEXT, b"half", fin=False)],
        [frame(TEXT, b"half of a frame")[:-3]],
        [b"\x81"],
    ],
)
async def test_an_unfinished_message_closes_its_socket(
    sent: list[bytes],
) -> None:
    async with (
        hosting(ScriptedModel(), body_timeout_seconds=0.2) as served,
        raw_socket(served) as connection,
    ):
        for piece in sent:
            await connection.send(piece)
        assert close_code(await connection.rest()) == 1008


async def test_a_client_that_reads_no_pongs_is_not_read_either() -> None:
    pings = frame(PING, b"x" * 125) * 500
    async with (
        hosting(ScriptedModel()) as served,
        client(served) as one,
        raw_socket(served) as connection,
    ):
        mine = connection.writer.get_extra_info("sockname")
        (protocol,) = [
            each
            for each in served.server.server_state.connections
            if each.transport.get_extra_info("peername") == mine
        ]
        sent = 0
        while protocol.transport.is_reading():
            assert sent < 100_000_000
            connection.writer.write(pings)
            sent += len(pings)
            await asyncio.sleep(0)
        assert protocol.transport.get_write_buffer_size() < 1_000_000
        await one.send({"type": "ping"})
        await one.until("pong")
        # Who reads again is read again.
        async with asyncio.timeout(30):
            while not protocol.transport.is_reading():
                await connection.reader.read(2**20)
