"""A bare client. It counts tokens and notes when they came, so that the other side is measured."""

import asyncio
import base64
import os
import re
import time
from typing import Final, Literal, NamedTuple, cast

Protocol = Literal["sse", "websocket"]
TOKEN: Final = b"tok "
_STAMP: Final = re.compile(rb"t(\d{16}) ")
_STAMP_LENGTH: Final = 18
_RUN_ID: Final = re.compile(rb'"run_id":"([^"]+)"')
_BREAK: Final = "\r\n"
_HANDSHAKE: Final = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_KEPT: Final = 64
"""Bytes kept of what came before: no token, stamp or end is missed at the edge of a read."""


class Request(NamedTuple):
    """What to ask for, and how its response ends."""

    protocol: Protocol
    port: int
    path: str
    body: str
    """For a WebSocket, the first message; empty with `sse`: a GET request."""
    end: bytes
    """What the last frame contains, and no other."""
    headers: str = ""
    """Additional headers, each ending in a line break."""
    token: bytes = TOKEN
    """What the response has once for each token."""


class Stream(asyncio.Protocol):
    """One response being read."""

    def __init__(self, request: Request) -> None:
        loop = asyncio.get_running_loop()
        self.tokens = 0
        self.first_seconds = 0.0
        """From the request to the first token."""
        self.whole_seconds = 0.0
        """From the request to the end."""
        self.delays: list[float] = []
        """Of stamped tokens: seconds from the provider's write to this client's read."""
        self.run_id = ""
        self.started: asyncio.Future[None] = loop.create_future()
        """Done at the first token."""
        self.ended: asyncio.Future[None] = loop.create_future()
        """Done at the end."""
        self._request = request
        self._sent = 0.0
        self._kept = b""
        self._upgrading = request.protocol == "websocket"
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request, or first the handshake of a WebSocket."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass
        if self._upgrading:
            key = base64.b64encode(os.urandom(16)).decode()
            path, port = self._request.path, self._request.port
            handshake = _HANDSHAKE.format(path=path, port=port, key=key)
            self._write(f"{handshake.removesuffix(_BREAK)}{self._request.headers}{_BREAK}".encode())
        else:
            self._send()

    def data_received(self, data: bytes) -> None:
        """Count what came."""
        if self._upgrading:
            head, found, data = (self._kept + data).partition(b"\r\n\r\n")
            self._kept = b"" if found else head
            if not found:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._upgrading = False
            self._send()
        if self.ended.done():
            return
        now = time.monotonic()
        request, kept = self._request, self._kept
        text = kept + data
        if not self.run_id and (found_id := _RUN_ID.search(text)):
            self.run_id = found_id[1].decode()
        end = text.find(request.end)
        counted = text if end < 0 else text[:end]
        tokens = counted.count(request.token) - kept.count(request.token)
        if not tokens:
            for stamp in _STAMP.finditer(counted, max(0, len(kept) - _STAMP_LENGTH + 1)):
                self.delays.append(now - int(stamp[1]) / 1e6)
                tokens += 1
        self.tokens += tokens
        self._kept = text[-_KEPT:]
        if tokens and not self.first_seconds:
            self.first_seconds = now - self._sent
            self.started.set_result(None)
        if end >= 0:
            self.whole_seconds = now - self._sent
            self.ended.set_result(None)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is still awaited."""
        for waiting in (self.started, self.ended):
            if not waiting.done():
                last = f"the stream ended early: {self._kept!r}"
                waiting.set_exception(ConnectionError(last))
                waiting.exception()  # retrieved: not everybody waits

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _send(self) -> None:
        self._sent = time.monotonic()
        body = self._request.body.encode()
        if self._request.protocol == "websocket":
            size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + _two(len(body))
            self._write(b"\x81" + size + bytes(4) + body)
            return
        host = f"Host: 127.0.0.1:{self._request.port}{_BREAK}{self._request.headers}"
        if not body:
            self._write(f"GET {self._request.path} HTTP/1.1\r\n{host}\r\n".encode())
            return
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        head = f"POST {self._request.path} HTTP/1.1\r\n{host}{kind}"
        self._write(head.encode() + body)

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


def _two(number: int) -> bytes:
    return number.to_bytes(2, "big")


async def open_stream(request: Request) -> Stream:
    """Connect and send a request; return the response as it comes."""
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(lambda: Stream(request), "127.0.0.1", request.port)
    return stream
