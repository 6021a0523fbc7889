"""Streaming responses: frames sent straight to ASGI as Server-Sent Events or NDJSON."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import Final, Protocol

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from thinkaloud.server.http.operation import EVENT_STREAM, NDJSON
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.services import ServerState
from thinkaloud.server.settings import ServerSettings
from thinkaloud.server.streams.backpressure import Outlet, WriteNow, abort_connection

_END: Final = b""


class StreamKind(msgspec.Struct, frozen=True):
    """Content type, heartbeat and first bytes of a kind of stream."""

    content_type: str
    beat: bytes
    """The heartbeat: keeps the connection open and is ignored by clients."""
    opening: bytes
    """The first bytes of a live stream, sent at once: proxies and browsers wait for them."""

    def finite(self) -> "StreamKind":
        """Return the kind for a stream that ends by itself: it starts with its first event."""
        return msgspec.structs.replace(self, opening=b"")


SSE_STREAM: Final = StreamKind(f"{EVENT_STREAM}; charset=utf-8", b": \n\n", b": \n\n")
NDJSON_STREAM: Final = StreamKind(NDJSON, b"\n", b"\n")
HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
"""Headers of every stream."""


class Frames(Protocol):
    """The source of a stream's frames."""

    async def next(self, write_now: WriteNow | None = None) -> Sequence[bytes]:
        """Wait for the next frames; empty means the end.

        While this waits, it may pass frames to `write_now` instead.
        """
        ...


class EventStream(Response):
    """Sends frames until they end or the client disconnects; the run continues (P9)."""

    def __init__(
        self,
        feed: Frames,
        stack: AsyncExitStack,
        settings: ServerSettings,
        state: ServerState,
        headers: Mapping[str, str],
        kind: StreamKind,
    ) -> None:
        super().__init__(headers={"Content-Type": kind.content_type, **HEADERS, **headers})
        del self.headers["content-length"]
        self._feed = feed
        self._stack = stack
        self._settings = settings
        self._state = state
        self._kind = kind

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        async with self._stack:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})

            async def write(data: bytes) -> None:
                more = data != _END
                await send({"type": "http.response.body", "body": data, "more_body": more})

            if await self._pump(Outlet(write, scope), receive):
                return
            abort_connection(scope)
            await until_gone(receive)

    async def _pump(self, outlet: Outlet, receive: Receive) -> bool:
        """Send all frames. Returns False if the client disconnected or stopped reading."""
        settings = self._settings
        async with asyncio.TaskGroup() as group:
            pump = group.create_task(self._send_all(outlet))
            stuck = group.create_task(outlet.until_stuck(settings.send_timeout_seconds))
            others = [
                group.create_task(until_gone(receive)),
                group.create_task(outlet.heartbeat(settings.heartbeat_seconds, self._kind.beat)),
            ]
            await asyncio.wait([pump, stuck, *others], return_when=asyncio.FIRST_COMPLETED)
            complete = pump.done()
            if stuck.done() and not complete:
                self._state.dropped_readers += 1
            for task in (pump, stuck, *others):
                task.cancel()
        return complete

    async def _send_all(self, outlet: Outlet) -> None:
        if self._kind.opening:
            await outlet.send(self._kind.opening)
        while frames := await self._feed.next(outlet.push):
            await outlet.send(frames[0] if len(frames) == 1 else b"".join(frames))
        await outlet.send(_END)


async def event_stream(
    following: AbstractAsyncContextManager[Frames],
    settings: ServerSettings,
    state: ServerState,
    headers: Mapping[str, str] = MappingProxyType({}),
    kind: StreamKind = SSE_STREAM,
) -> Response:
    """Open a feed and return it as a response, with these additional headers.

    Raises whatever opening it raises, and `Refused` (503) if too many streams are open.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_counted(settings, state))
        feed = await stack.enter_async_context(following)
        return EventStream(feed, stack.pop_all(), settings, state, headers, kind)


@asynccontextmanager
async def _counted(settings: ServerSettings, state: ServerState) -> AsyncGenerator[None]:
    if state.event_streams >= settings.max_event_streams:
        raise Refused(503, "busy", "Too many event streams are open.", headers={"Retry-After": "5"})
    state.event_streams += 1
    try:
        yield
    finally:
        state.event_streams -= 1


async def until_gone(receive: Receive) -> None:
    """Return once the client has disconnected or the response is complete."""
    while (await receive())["type"] != "http.disconnect":
        pass
