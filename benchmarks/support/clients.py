"""Bare clients: they only note when bytes came, so that what is measured is the other side."""

import asyncio
import base64
import json
import os
import time
from asyncio import StreamReader, StreamWriter
from typing import Literal, NamedTuple

Way = Literal["sse", "websocket", "relay"]
TOKEN = b"tok "
_ENDS = {"sse": b"event: complete", "websocket": b'"event":"complete"', "relay": b"[DONE]"}
_FAILED = b'"code":"'


class StreamTiming(NamedTuple):
    """One stream, in seconds from the request."""

    first: float
    """To the first token."""
    whole: float
    tokens: int


class Stream:
    """One response being read."""

    def __init__(self, way: Way, reader: StreamReader, writer: StreamWriter) -> None:
        self._way = way
        self._reader = reader
        self._writer = writer
        self._sent = time.perf_counter()
        self._got = bytearray()
        self._first = 0.0

    async def first(self) -> None:
        """Read up to the first token."""
        while not self._first:
            await self._read()

    async def rest(self) -> StreamTiming:
        """Read to the end and hang up."""
        end = _ENDS[self._way]
        looked = 0
        while (found := self._got.find(end, looked)) < 0:
            looked = max(0, len(self._got) - len(end))
            await self._read()
        whole = time.perf_counter() - self._sent
        self._writer.close()
        return StreamTiming(self._first - self._sent, whole, self._got.count(TOKEN, 0, found))

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def _read(self) -> None:
        data = await self._reader.read(2**18)
        if not data:
            raise ConnectionError(f"the stream ended early: {bytes(self._got[-500:])!r}")
        self._got += data
        if not self._first and TOKEN in self._got:
            self._first = time.perf_counter()


async def ask(way: Way, port: int, model: str) -> Stream:
    """Send one message; `model` is `host/m`, for the relay the path of the provider."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    body = json.dumps({"text": "Hello", "model": model, "include_reasoning": True}).encode()
    if way == "websocket":
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /api/v1/chat/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            "".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        stream = Stream(way, reader, writer)
        assert len(body) < 126
        writer.write(bytes([0x81, 0x80 | len(body), 0, 0, 0, 0]) + body)
        return stream
    path = f"/{model}/chat/completions" if way == "relay" else "/api/v1/chat/stream-sse"
    stream = Stream(way, reader, writer)
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return stream
