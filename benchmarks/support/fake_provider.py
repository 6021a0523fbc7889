"""A provider of Chat Completions that says `tok ` so often and so fast as its path asks.

`/n500-r100/…` gives 500 tokens at 100 a second; `r0` as fast as it can; `-hold` never ends.
Half of the tokens are reasoning. Run as a process of its own; prints its port.
"""

import asyncio
import json
import re
import socket
from asyncio import StreamReader, StreamWriter
from functools import cache

import uvloop

TOKEN = "tok "
_ASKED = re.compile(rb"POST /n(\d+)-r(\d+)(-hold)?/")
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_AT_ONCE = 32


def _chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    event = {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    data = b"data: %b\n\n" % json.dumps(event).encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


_THOUGHT = _chunk({"reasoning_content": TOKEN})
_ANSWER = _chunk({"content": TOKEN})
_DONE = b"data: [DONE]\n\n"
_END = _chunk({}, "stop") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(_DONE), _DONE)


@cache
def _burst(tokens: int) -> list[bytes]:
    chunks = [_THOUGHT] * (tokens // 2) + [_ANSWER] * (tokens - tokens // 2)
    return [b"".join(chunks[at : at + _AT_ONCE]) for at in range(0, tokens, _AT_ONCE)]


async def _answer(reader: StreamReader, writer: StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(found.group(1)) if found else 0)
            asked = _ASKED.match(head)
            if asked is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                continue
            writer.write(_HEAD)
            await _say(writer, int(asked[1]), int(asked[2]))
            if asked[3]:
                await reader.read()
                return
            writer.write(_END)
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


async def _say(writer: StreamWriter, tokens: int, rate: int) -> None:
    if not rate:
        for piece in _burst(tokens):
            writer.write(piece)
            await writer.drain()
        return
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for place in range(tokens):
        writer.write(_THOUGHT if place < tokens // 2 else _ANSWER)
        await asyncio.sleep(begun + (place + 1) / rate - loop.time())


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=1024)
    for listener in server.sockets:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(listener.getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
