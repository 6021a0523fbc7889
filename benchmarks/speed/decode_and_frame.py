"""The fair floor: the same libraries and the same work per token, but no run and no log.

aiohttp receives the provider's stream, our decoder decodes it, every event becomes a frame as large
as the server's own, and uvicorn sends it, as Server-Sent Events or over a WebSocket. What the server
costs beyond this is what its log, its turn machine and its followers cost. Nothing here can be
resumed, stopped, stored or followed by a second client.

Run it as a process of its own, with the provider's port as argument; prints its own port.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, cast

import aiohttp
import msgspec
import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from thinkaloud.events.model import AnswerText, ModelEvent, ReasoningText
from thinkaloud.providers.dialects.registry import load_dialect
from thinkaloud.providers.target import Target

RUN_ID: Final = "run_00000000000000000000000000000000"
_AT_MS: Final = 1_790_000_000_000
_encode: Final = msgspec.json.Encoder().encode


class _Data(msgspec.Struct, gc=False):
    token: str
    segment_id: str


class _TimedData(msgspec.Struct, gc=False):
    token: str
    segment_id: str
    at_ms: int


class _Frame(msgspec.Struct, gc=False):
    event: str
    data: _Data | _TimedData
    seq: int
    run_id: str


class Floor:
    """The ASGI application. `/SHAPE/sse` and `/SHAPE/ws` stream what the provider has at `/SHAPE`."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._session: aiohttp.ClientSession | None = None
        self._dialect = load_dialect("openai-chat")(Target("lab", "openai-chat", provider, "m"))

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Serve one request or WebSocket."""
        assert scope["type"] != "lifespan"
        shape = scope["path"].split("/")[1]
        if scope["type"] == "websocket":
            await self._websocket(shape, receive, send)
        else:
            await self._sse(shape, receive, send)

    async def close(self) -> None:
        """Close the connections to the provider."""
        if self._session is not None:
            await self._session.close()

    async def _batches(self, shape: str, body: bytes) -> AsyncIterator[Sequence[ModelEvent]]:
        """Ask the provider, and yield what each read of its socket decodes to."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None),
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            )
        url = f"{self._provider}/{shape}/chat/completions"
        async with self._session.post(url, data=body) as response:
            decoder = self._dialect.decoder(response.content_type)
            async for data in response.content.iter_any():
                yield decoder.feed(data)
            yield decoder.close()

    async def _sse(self, shape: str, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        body = cast("dict[str, Any]", await receive())["body"]
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        seq = 0
        async for batch in self._batches(shape, body):
            frames: list[bytes] = []
            for event in batch:
                seq += 1
                if isinstance(event, ReasoningText):
                    data = _encode(_TimedData(event.text, "r1", _AT_MS))
                    frames.append(b"id: %d\nevent: reasoning\ndata: %b\n\n" % (seq, data))
                elif isinstance(event, AnswerText):
                    data = _encode(_Data(event.text, "a1"))
                    frames.append(b"id: %d\nevent: token\ndata: %b\n\n" % (seq, data))
            if frames:
                joined = b"".join(frames)
                await send({"type": "http.response.body", "body": joined, "more_body": True})
        end = b"id: %d\nevent: complete\ndata: {}\n\n" % (seq + 1)
        await send({"type": "http.response.body", "body": end, "more_body": False})

    async def _websocket(
        self, shape: str, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        text = cast("dict[str, Any]", await receive()).get("text") or ""
        seq = 0
        async for batch in self._batches(shape, text.encode()):
            for event in batch:
                seq += 1
                if isinstance(event, ReasoningText):
                    data = _TimedData(event.text, "r1", _AT_MS)
                    frame = _Frame("reasoning", data, seq, RUN_ID)
                elif isinstance(event, AnswerText):
                    frame = _Frame("token", _Data(event.text, "a1"), seq, RUN_ID)
                else:
                    continue
                await send({"type": "websocket.send", "text": _encode(frame).decode()})
        end = '{"event":"complete","data":{}}'
        await send({"type": "websocket.send", "text": end})
        await receive()


def server(application: Floor, loop: str = "uvloop") -> uvicorn.Server:
    """Return uvicorn, configured like the real server."""
    config = uvicorn.Config(
        cast("Any", application),
        loop=cast("Any", loop),
        http="httptools",
        ws=WebSocketsSansIOProtocol,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def main() -> None:
    """Serve on a free port."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # the clients leave first
    application = Floor(f"http://127.0.0.1:{sys.argv[1]}")
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(listener.getsockname()[1], flush=True)
        running = server(application)
        running.config.load()
        with asyncio.Runner(loop_factory=running.config.get_loop_factory()) as runner:
            runner.run(running.serve(sockets=[listener]))


if __name__ == "__main__":
    main()
