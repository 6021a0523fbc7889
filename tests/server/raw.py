"""Clients that send raw bytes: half requests, broken frames, anything."""

import asyncio
import json
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from tests.server.serving import Served

DEADLINE: Final = 30.0
HOST: Final = b"Host: localhost\r\n"
UPGRADE: Final = (
    b"GET /ws HTTP/1.1\r\n%sUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" % HOST
)
_MASK: Final = b"\x37\xfa\x21\x3d"
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Raw:
    """A connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send as much as the server takes."""
        with suppress(ConnectionError):
            if not self.writer.transport.is_closing():
                self.writer.write(data)
                await self.writer.drain()

    async def rest(self) -> bytes:
        """Read until the server closes."""
        found = b""
        with suppress(ConnectionError):
            try:
                async with asyncio.timeout(DEADLINE):
                    while data := await self.reader.read(65_536):
                        found += data
            except TimeoutError:
                raise AssertionError(f"the server did not close after {found[-500:]!r}") from None
        return found

    async def head(self) -> bytes:
        """Read the head of a response."""
        async with asyncio.timeout(DEADLINE):
            return await self.reader.readuntil(b"\r\n\r\n")


@asynccontextmanager
async def raw(served: Served) -> AsyncGenerator[Raw]:
    """Connect."""
    port = int(served.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def raw_socket(served: Served) -> AsyncGenerator[Raw]:
    """Connect, and upgrade to `/ws`."""
    async with raw(served) as connection:
        await connection.send(UPGRADE)
        assert (await connection.head()).startswith(b"HTTP/1.1 101 ")
        yield connection


async def answer(served: Served, request: bytes) -> tuple[int, Any]:
    """Send this and read to the end: the status, and the body as JSON."""
    async with raw(served) as connection:
        await connection.send(request)
        return parsed(await connection.rest())


def parsed(response: bytes) -> tuple[int, Any]:
    """The status of a response, and its body as JSON."""
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), response
    return int(head.split()[1]), json.loads(body or b"null")


def frame(opcode: int, data: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
    """A frame as a client sends it."""
    head = bytes([opcode | (0x80 if fin else 0)])
    mask_bit = 0x80 if masked else 0
    if len(data) < 126:
        head += bytes([len(data) | mask_bit])
    elif len(data) < 65_536:
        head += bytes([126 | mask_bit]) + struct.pack("!H", len(data))
    else:
        head += bytes([127 | mask_bit]) + struct.pack("!Q", len(data))
    if not masked:
        return head + data
    return head + _MASK + bytes(byte ^ _MASK[place % 4] for place, byte in enumerate(data))


def close_code(received: bytes) -> int | None:
    """The code of the close frame that a server ended with; None where there is none."""
    place = 0
    while place + 2 <= len(received):
        opcode, size = received[place] & 0x0F, received[place + 1] & 0x7F
        place += 2
        if size == 126:
            size = int.from_bytes(received[place : place + 2])
            place += 2
        elif size == 127:
            size = int.from_bytes(received[place : place + 8])
            place += 8
        if opcode == CLOSE:
            return int.from_bytes(received[place : place + 2]) if size else 1005
        place += size
    return None
