"""Hostile heads and frames, by seed, and what must hold for every response."""

import asyncio
import random
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from tests.server.raw import (
    BINARY,
    CLOSE,
    CONT,
    HOST,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    Raw,
    close_code,
    frame,
)

_JSON: Final = b'{"text": "Hi"}'
_POST: Final = (
    b"POST /api/v1/chat/message HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
)
_H2C: Final = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAA\r\n"
)
_LENGTH: Final = b"Content-Length: %d\r\n\r\n%s" % (len(_JSON), _JSON)
_CHUNKED: Final = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n" % (len(_JSON), _JSON)
LAST: Final = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
HEADS: Final = (
    b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /api/v1/conversations?limit=5&search=%C3%A9 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET http://localhost/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    b"HEAD /readyz HTTP/1.1\r\n" + HOST + b"X-Request-ID: mine\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    b"DELETE /api/v1/conversations/c HTTP/1.0\r\n" + HOST + b"Connection: keep-alive\r\n\r\n",
    b"PATCH /api/v1/conversations/c HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n",
    _POST + _LENGTH,
    _POST + b"Expect: 100-continue\r\n" + _LENGTH,
    _POST + b"Idempotency-Key: k\r\nLast-Event-ID: 3\r\n" + _LENGTH,
    _POST + _CHUNKED + b"\r\n",
    _POST + _CHUNKED + b"X-Trailer: yes\r\n\r\n",
    _POST + _H2C + _LENGTH,
    UPGRADE,
    UPGRADE.replace(b"/ws", b"/api/v1/chat/stream"),
    UPGRADE.replace(b"GET", b"POST"),
)
_WORDS: Final = (
    *(b"\r\n", b"\r\n\r\n", b"\n", b"\r", b":", b" ", b"\t", b"\x00", b"\xff", b"%", b"%00", b"//"),
    *(b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 9e9\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Upgrade: websocket\r\n"),
    *(
        b"Connection: close\r\n",
        b"Connection: upgrade\r\n",
        HOST,
        b"Host:\r\n",
        b"ffffffffffffffff\r\n",
    ),
    *(
        b"HTTP/1.1",
        b"HTTP/2.0",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"X: " + b"x" * 70_000 + b"\r\n",
    ),
)
_TEXTS: Final = (
    b"Hello",
    b"",
    b"{}",
    b"{not json",
    b'{"type": "ping"}',
    b'{"type": "new_chat", "temporary": true}',
    b'{"type": "attach", "chat_id": "room", "after": 0}',
    b'{"type": "attach", "chat_id": "room", "after": 99999999999999999999}',
    b'{"type": "message", "chat_id": "room", "content": "Hi", "client_message_id": "one"}',
    b'{"type": "stop", "chat_id": "room"}',
    b'{"type": "detach", "chat_id": "room"}',
    b'{"content": "\\ud83d"}',
    b'{"content": "' + b"x" * 5_000 + b'"}',
    b"[" * 500,
    b"\xff\xfe",
    b"\xe2\x82",
    b"\x00\xf0\x9f\x98\x80",
)
_STATUSES: Final = frozenset({100, 101, *range(200, 206), 304, *range(400, 432), 503})
"""What a server may say to a client that sends nonsense: nothing that tells of a fault of its own."""
CODES: Final = frozenset({1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009})
_STATUS_LINE: Final = re.compile(rb"(?:\A|(?<=[\r\n}]))HTTP/1\.1 (\d{3}) ")


def mutated(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    """Flip, drop, double and splice some bytes."""
    found = bytearray(data)
    for _ in range(dice.choice([0, 1, 1, 2, 3, 8])):
        at, length = dice.randrange(len(found) + 1), dice.randint(1, 40)
        other = dice.choice(others)
        start = dice.randrange(max(1, len(other)))
        match dice.randrange(6):
            case 0:
                found[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del found[at : at + length]
            case 2:
                found[at:at] = found[at : at + length]
            case 3:
                found[at:at] = other[start : start + length]
            case 4:
                del found[at:]
            case _:
                found[at:at] = dice.choice(_WORDS)
    return bytes(found)


def hostile_head(dice: random.Random, key: str | None = None) -> list[bytes]:
    """Return one or several mutated requests, with this key, in the pieces in which they are sent."""
    heads = [with_key(each, key) for each in HEADS]
    count = dice.choice([1, 1, 1, 2, 3])
    data = b"".join(mutated(dice.choice(heads), heads, dice) for _ in range(count))
    return pieces(data, dice)


def hostile_frames(dice: random.Random) -> list[bytes]:
    """Return frames, more or less, in the pieces in which they are sent."""
    frames: list[bytes] = []
    for _ in range(dice.randint(1, 12)):
        opcode = dice.choice([TEXT, TEXT, TEXT, BINARY, CONT, PING, PONG, CLOSE, 3, 11])
        data = dice.choice(_TEXTS)
        if opcode == CLOSE:
            data = dice.choice(
                [b"", b"\x03\xe8", b"\x03\xe8bye", b"\x03", b"\x00\x00", b"\x03\xee"]
            )
        one = frame(opcode, data, fin=dice.random() < 0.7, masked=dice.random() < 0.95)
        if dice.random() < 0.15:
            one = mutated(one, frames or [b"\x00"], dice)
        frames.extend([one] * dice.choice([1, 1, 1, 1, 300 if len(one) < 20 else 1]))
    return pieces(b"".join(frames), dice)


def pieces(data: bytes, dice: random.Random) -> list[bytes]:
    """Cut data here and there."""
    cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.choice([0, 0, 1, 3, 20])))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def with_key(head: bytes, key: str | None) -> bytes:
    """Add the header with a key to a request."""
    return head if key is None else head.replace(HOST, HOST + f"x-api-key: {key}\r\n".encode(), 1)


@asynccontextmanager
async def connected(port: int) -> AsyncGenerator[Raw]:
    """Connect."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def send_head(port: int, sent: Sequence[bytes]) -> None:
    """Send a head and what follows, read to the end, and look at every answer."""
    async with connected(port) as connection:
        reading = asyncio.ensure_future(connection.rest())
        for piece in (*sent, LAST):
            await connection.send(piece)
            await asyncio.sleep(0)
        try:
            received = await reading
        except AssertionError as error:
            raise AssertionError(f"{error}: {repr(sent)[:2_000]}") from None
    statuses = [int(each) for each in _STATUS_LINE.findall(received)]
    assert set(statuses) <= _STATUSES, (statuses, repr(sent)[:2_000])


async def send_frames(port: int, sent: Sequence[bytes], key: str | None = None) -> None:
    """Open a socket, send frames and a close, and look at how it ends."""
    async with connected(port) as connection:
        await connection.send(with_key(UPGRADE, key))
        assert (await connection.head()).startswith(b"HTTP/1.1 101 ")
        reading = asyncio.ensure_future(connection.rest())
        for piece in (*sent, frame(CLOSE, b"\x03\xe8")):
            await connection.send(piece)
            await asyncio.sleep(0)
        code = close_code(await reading)
    assert code is None or code in CODES or 3000 <= code < 5000, (code, repr(sent)[:2_000])


async def send_hostile_traffic(
    port: int, seed: int, count: int, at_once: int = 25, key: str | None = None
) -> None:
    """Send `count` heads and `count` rows of frames, `at_once` of each at a time, with this key."""
    dice = random.Random(seed)
    for _ in range(0, count, at_once):
        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_once):
                tasks.create_task(send_head(port, hostile_head(dice, key)))
                tasks.create_task(send_frames(port, hostile_frames(dice), key))
