"""HTTP responses: written without a detour through ASGI, and without chunks for HTTP/1.0."""

import asyncio
import sys
from collections.abc import Callable, Sequence

from typing_extensions import override
from uvicorn._types import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from thinkaloud.server.connections.http_upgrade import UpgradingHttp


class ChunkedHttp(UpgradingHttp):
    """A connection that writes chunks of a response straight to its transport."""

    __slots__ = ("_on_gone",)

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.answering = None
        self._on_gone: Callable[[], None] | None = None

    def on_gone(self, call: Callable[[], None] | None) -> None:
        """Set what to call, soon, once the client has disconnected before the end of a response."""
        self._on_gone = call
        cycle = self.answering
        if self.transport.is_closing() or (cycle is not None and cycle.disconnected):
            self._report_gone()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._report_gone()

    @override
    def abort_response(self) -> None:
        super().abort_response()
        self._report_gone()

    def _report_gone(self) -> None:
        call, self._on_gone = self._on_gone, None
        if call is not None:
            # Not right now: the caller may be the task that the call cancels.
            self.loop.call_soon(call)

    def write_chunk(self, pieces: Sequence[bytes]) -> bool:
        """Write a chunk of the response that is being sent, past uvicorn.

        Returns False, having written nothing, if that isn't possible right now: the send buffer is
        above its high-water mark, the client has disconnected, or this isn't a chunked response.
        """
        cycle, transport = self.answering, self.transport
        if (
            cycle is None
            or not cycle.chunked_encoding
            or cycle.response_complete
            or cycle.disconnected
            or self.flow.write_paused
            or transport.is_closing()
        ):
            return False
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        return True

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if cycle.scope["http_version"] == "1.0":
            app = _CloseDelimited(app, cycle)
        super()._start_asgi_task(cycle, app)


class _CloseDelimited:
    """Ends a response of unknown length by closing the connection, as HTTP/1.0 clients expect.

    They know no chunks, which uvicorn sends all the same (RFC 9112, sections 6.1 and 6.3).
    """

    def __init__(self, app: ASGI3Application, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        cycle, has_length = self._cycle, False

        async def answer(message: ASGISendEvent) -> None:
            nonlocal has_length
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                has_length = any(name.lower() == b"content-length" for name, _ in headers)
                if not has_length:
                    cycle.chunked_encoding = False
                    cycle.expected_content_length = sys.maxsize
            elif (
                message["type"] == "http.response.body"
                and not has_length
                and not message.get("more_body", False)
            ):
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, answer)
