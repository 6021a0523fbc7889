"""Streaming responses: frames sent straight to ASGI as Server-Sent Events or NDJSON."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from typing import Final, Protocol

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from thinkaloud.server.http.operation import EVENT_STREAM, NDJSON, principal_of
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.services import ServerState
from thinkaloud.server.settings import ServerSettings
from thinkaloud.server.stream_monitor import Interruption
from thinkaloud.server.streams.backpressure import (
    ON_GONE,
    OnGone,
    Outlet,
    WriteNow,
    abort_connection,
)

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
_RAW_HEADERS: Final = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


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
        following: AbstractAsyncContextManager[Frames],
        settings: ServerSettings,
        state: ServerState,
        headers: Mapping[str, str],
        kind: StreamKind,
    ) -> None:
        # Starlette's constructor adds a length, and takes as long as everything else here.
        self.status_code = 200
        self.background = None
        self.raw_headers = [
            (b"content-type", kind.content_type.encode()),
            *_RAW_HEADERS,
            *((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()),
        ]
        self._feed = feed
        self._following = following
        self._settings = settings
        self._state = state
        self._kind = kind

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""

        async def write(data: bytes) -> None:
            more = data != _END
            await send({"type": "http.response.body", "body": data, "more_body": more})

        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if await self._pump(Outlet(write, scope), scope, receive):
                return
            abort_connection(scope)
            await until_gone(receive)
        finally:
            self._state.event_streams -= 1
            await self._following.__aexit__(None, None, None)

    async def _pump(self, outlet: Outlet, scope: Scope, receive: Receive) -> bool:
        """Send all frames.

        Returns False if the client disconnected or stopped reading, or its credential has ended.
        """
        # HTTP/1.0 knows no chunks, which can be pushed.
        on_gone: OnGone | None = None
        if scope["http_version"] != "1.0":
            on_gone = scope.get("state", {}).get(ON_GONE)
        with (
            Interruption() as interruption,
            self._state.open_streams.opened(
                principal_of(scope), lambda _: interruption.interrupt()
            ),
        ):
            if on_gone is None:
                async with self._watched(outlet, receive, interruption):
                    await self._send_all(outlet)
            else:
                on_gone(interruption.interrupt)
                self._monitor(outlet, interruption, self._kind.beat)
                try:
                    await self._send_all(outlet)
                finally:
                    self._state.monitor.remove(outlet)
                    on_gone(None)
        return not interruption.interrupted

    @asynccontextmanager
    async def _watched(
        self, outlet: Outlet, receive: Receive, interruption: Interruption
    ) -> AsyncGenerator[None]:
        """Watch the client with tasks: on other servers, and where nothing can be pushed."""

        async def watch() -> None:
            await until_gone(receive)
            interruption.interrupt()

        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(watch()),
                group.create_task(_heartbeat(outlet, self._kind.beat, self._settings)),
            ]
            self._monitor(outlet, interruption)
            try:
                yield
            finally:
                self._state.monitor.remove(outlet)
                for task in tasks:
                    task.cancel()

    def _monitor(self, outlet: Outlet, interruption: Interruption, beat: bytes = b"") -> None:
        def drop() -> None:
            self._state.dropped_readers += 1
            interruption.interrupt()

        self._state.monitor.add(outlet, drop, beat)

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
    if state.event_streams >= settings.max_event_streams:
        raise Refused(503, "busy", "Too many event streams are open.", headers={"Retry-After": "5"})
    state.event_streams += 1
    try:
        feed = await following.__aenter__()
    except BaseException:
        state.event_streams -= 1
        raise
    return EventStream(feed, following, settings, state, headers, kind)


async def _heartbeat(outlet: Outlet, beat: bytes, settings: ServerSettings) -> None:
    while True:
        await asyncio.sleep(settings.heartbeat_seconds)
        if outlet.is_quiet():
            await outlet.send(beat)
            outlet.is_quiet()


async def until_gone(receive: Receive) -> None:
    """Return once the client has disconnected or the response is complete."""
    while (await receive())["type"] != "http.disconnect":
        pass
