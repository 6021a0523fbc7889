"""uvicorn's HTTP connections, with limits on incomplete requests."""

import asyncio
from typing import Any, Final, cast

import httptools
from typing_extensions import override
from uvicorn import Config
from uvicorn.server import ServerState

from thinkaloud.server.connections.http_chunks import ChunkedHttp
from thinkaloud.server.connections.limits import (
    LINGER_SECONDS,
    ConnectionLimits,
    Deadline,
    ServerConfig,
    raw_refusal,
)
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.streams.backpressure import IS_GONE, ON_GONE, WRITE_NOW

_COLON_AND_LINE: Final = 4


class _Head:
    """Tracks the size of a request's head (request line and headers)."""

    __slots__ = ("_count", "_fed", "_parsed", "limit", "open")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._parsed = self._fed = self._count = 0
        self.open = False
        """Whether a head is incomplete."""

    @property
    def is_large(self) -> bool:
        """Whether it exceeds the limit."""
        return max(self._parsed, self._fed) > self.limit

    def begin(self) -> None:
        """Start counting a new request."""
        self.open = True
        self._parsed = self._fed = 0
        self._count += 1

    def add(self, size: int) -> None:
        """Count a URL or a header."""
        self._parsed += size

    def end_of_data(self, size: int, *, at_start: bool) -> None:
        """Count data that ends inside a head: the parser does not report an incomplete header.

        `at_start`: the data started with a new request.
        """
        if self.open:
            if self._count == 0:
                self._fed += size
            elif self._count == 1 and at_start:
                self._fed = size
        self._count = 0


class HttpConnection(ChunkedHttp):
    """A connection that limits the size and duration of a request's head.

    An invalid head gets a problem document as the response, and the connection is closed. The
    application can also abort the connection of a client that stopped reading.
    """

    # See `UpgradingHttp`.
    __slots__ = ("_deadline", "_head", "_limits", "_whole")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits: ConnectionLimits = cast("ServerConfig", config).connection_limits
        self._deadline = Deadline(self._on_timeout)
        self._head = _Head(self._limits.max_header_bytes)
        self._whole = True
        """Whether the latest request has been received completely."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.app_state = {
            **self.app_state,
            "abort": transport.abort,
            IS_GONE: self.is_disconnected,
            ON_GONE: self.on_gone,
            WRITE_NOW: self.write_chunk,
        }
        self._limits.enter(self)
        self._deadline.set(self._limits.header_timeout)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def evict(self) -> None:
        """Close the connection immediately to make room for another one."""
        self.refused = True
        self._deadline.cancel()
        self.disconnect()

    @override
    def data_received(self, data: bytes) -> None:
        if self.refused:
            return
        at_start = self._whole
        if at_start and self.is_idle and not self._deadline.is_set:
            self._deadline.set(self._limits.header_timeout)
        try:
            super().data_received(data)
        except httptools.HttpParserError:
            message = "This is not a valid HTTP/1.1 request."
            self._refuse(Refused(400, "malformed_request", message))
            return
        self._head.end_of_data(len(data), at_start=at_start)
        if self._head.open and self._head.is_large:
            self._refuse(_too_large(self._head.limit))

    @override
    def begin(self) -> None:
        super().begin()
        self._head.begin()
        self._whole = False

    @override
    def on_url(self, url: bytes) -> None:
        self._head.add(len(url))
        if not self._head.is_large:
            super().on_url(url)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        self._head.add(len(name) + len(value) + _COLON_AND_LINE)
        # Headers after the head are trailers, which are ignored.
        if self._head.open and not self._head.is_large:
            super().on_header(name, value)

    @override
    def end_head(self) -> None:
        self._head.open = False
        if self._head.is_large:
            self._refuse(_too_large(self._head.limit))
        if not self.refused:
            self._deadline.cancel()
            super().end_head()

    @override
    def on_body(self, body: bytes) -> None:
        if not self.refused:
            super().on_body(body)

    @override
    def end(self) -> None:
        self._whole = True
        if not self.refused:
            self._leave()
            super().end()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing() or self.refused or not self.is_idle:
            return
        self._limits.enter(self)
        if not self._whole and not self._deadline.is_set:
            # The response was sent before the whole request arrived; read and discard the rest.
            self._deadline.set(self._limits.body_timeout)

    def _leave(self) -> None:
        self._deadline.cancel()
        self._limits.leave(self)

    def _on_timeout(self) -> None:
        if self._head.open and not self.refused:
            seconds = self._limits.header_timeout
            message = f"The request headers took longer than {seconds:g} seconds to arrive."
            self._refuse(Refused(408, "header_timeout", message))
        else:
            self.disconnect()

    def _refuse(self, error: Refused) -> None:
        """Respond with a problem document and close, after responding to earlier requests."""
        if self.refused:
            return
        self.refused = True
        self._leave()
        self._limits.log(f"requests refused: {error.message}")
        if not self.is_idle and (self._whole or self.pipeline or self.cycle.response_started):
            self.cycle.keep_alive = False
            if not self._whole:
                self._deadline.set(self._limits.body_timeout)
            return
        if not self.is_idle:
            # No response was started, and the rest of the body will not arrive.
            self.abort_response()
        self.transport.write(raw_refusal(error))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline.set(LINGER_SECONDS)


def _too_large(limit: int) -> Refused:
    message = f"The request headers are larger than {limit:,} bytes."
    return Refused(431, "header_too_large", message)
