"""A provider of Chat Completions whose response depends on the path. Prints its port.

`/n500-r100/…` streams 500 tokens at 100 a second, half of them reasoning; `r0` as fast as possible.
With `-hold` the response never ends; with `-stamp` each token is the time it was sent at, as
`t0123456789012345 ` (microseconds of `CLOCK_MONOTONIC`, which all processes share).
"""

import asyncio
import json
import re
import socket
import time
from asyncio import StreamReader, StreamWriter
from functools import cache
from typing import Final, NamedTuple

import uvloop

TOKEN: Final = "tok "
_PLACE: Final = "t0000000000000000 "
_REQUEST: Final = re.compile(rb"POST /n(\d+)-r(\d+)(-stamp)?(-hold)?/")
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_BATCH: Final = 32
"""Tokens of an unpaced response that are written at once."""


class Shape(NamedTuple):
    """What a response looks like."""

    tokens: int
    rate: int
    """Tokens a second; 0 is unpaced."""
    stamped: bool
    held: bool


def chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
    """Return one event of the response, as an HTTP chunk."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    event = {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    data = b"data: %b\n\n" % json.dumps(event).encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


REASONING: Final = chunk({"reasoning_content": TOKEN})
ANSWER: Final = chunk({"content": TOKEN})
_STAMPED_REASONING: Final = chunk({"reasoning_content": _PLACE})
_STAMPED_ANSWER: Final = chunk({"content": _PLACE})
_DONE: Final = b"data: [DONE]\n\n"
END: Final = chunk({}, "stop") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(_DONE), _DONE)


@cache
def _burst(tokens: int) -> list[bytes]:
    chunks = [REASONING] * (tokens // 2) + [ANSWER] * (tokens - tokens // 2)
    return [b"".join(chunks[at : at + _BATCH]) for at in range(0, tokens, _BATCH)]


async def _answer(reader: StreamReader, writer: StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length.group(1)) if length else 0)
            found = _REQUEST.match(head)
            if found is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                continue
            shape = Shape(int(found[1]), int(found[2]), bool(found[3]), bool(found[4]))
            writer.write(_HEAD)
            await _stream(writer, shape)
            if shape.held:
                await reader.read()
                return
            writer.write(END)
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


async def _stream(writer: StreamWriter, shape: Shape) -> None:
    if not shape.rate:
        for piece in _burst(shape.tokens):
            writer.write(piece)
            await writer.drain()
        return
    loop = asyncio.get_running_loop()
    start = loop.time()
    half = shape.tokens // 2
    for number in range(shape.tokens):
        if shape.stamped:
            stamp = b"t%016d " % (time.monotonic_ns() // 1000)
            template = _STAMPED_REASONING if number < half else _STAMPED_ANSWER
            writer.write(template.replace(_PLACE.encode(), stamp))
        else:
            writer.write(REASONING if number < half else ANSWER)
        await asyncio.sleep(start + (number + 1) / shape.rate - loop.time())


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=1024)
    for listener in server.sockets:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(listener.getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
