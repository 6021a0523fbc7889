"""HTTP connections that support upgrades to WebSocket and ignore all others."""

from collections.abc import Sequence
from typing import Final, cast

import httptools
from typing_extensions import override
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_OF_A_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})


class UpgradingHttp(HttpToolsProtocol):
    """A connection that ignores upgrades other than WebSocket, such as `h2c`.

    The parser stops at any upgrade and returns neither the body of that request nor later
    requests. Some clients offer `h2c` by default: Java's does with every first request.
    """

    # Beyond 30 attributes, an instance needs a dict of its own, of more than a KiB.
    __slots__ = ("answering",)

    refused = False
    """Whether further data from this client is ignored."""
    _replaying = False
    answering: RequestResponseCycle | None
    """The request being handled; others may be queued behind it. A subclass initializes it."""

    @property
    def is_idle(self) -> bool:
        """Whether all requests so far have a complete response."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    @override
    def data_received(self, data: bytes) -> None:
        """Parse data. Raises `httptools.HttpParserError` if it is not valid HTTP."""
        self._unset_keepalive_if_required()
        while data and not self.refused:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = data[cast("int", upgrade.args[0]) :]
            if self.refused:
                return
            if self._should_upgrade():
                self.handle_websocket_upgrade()
                if data and not self.transport.is_closing():
                    cast("HttpToolsProtocol", self.transport.get_protocol()).data_received(data)
                return
            self._continue_parsing()

    def abort_response(self) -> None:
        """Notify the handlers of pending requests that the client has disconnected."""
        for cycle in () if self.is_idle else (self.cycle, self.answering or self.cycle):
            cycle.disconnected = True
            cycle.waiting_for_100_continue = False
            cycle.message_event.set()

    def is_disconnected(self) -> bool:
        """Whether the connection is closed. If so, also notify the handlers of pending requests."""
        if self.transport.is_closing():
            self.abort_response()
        return self.transport.is_closing()

    def disconnect(self) -> None:
        """Close the connection immediately."""
        self.abort_response()
        self.transport.abort()

    def begin(self) -> None:
        """Called at the start of a request."""
        super().on_message_begin()

    def end_head(self) -> None:
        """Called when the head of a request is complete: start its handler."""
        super().on_headers_complete()

    def end(self) -> None:
        """Called when a request is complete."""
        super().on_message_complete()

    @override
    def on_message_begin(self) -> None:
        if not self._replaying:
            self.begin()

    @override
    def on_url(self, url: bytes) -> None:
        if not self._replaying:
            super().on_url(url)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._replaying:
            super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        if not self._replaying:
            self.end_head()

    @override
    def on_message_complete(self) -> None:
        passed_over = self.parser.should_upgrade() and not self._should_upgrade()
        if not passed_over or not _headers_of_body(self.headers):
            self.end()

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.answering = cycle
        super()._start_asgi_task(cycle, app)

    def _continue_parsing(self) -> None:
        """Continue with a new parser, at the body of this request or at the next request."""
        self.parser = httptools.HttpRequestParser(self)
        headers = _headers_of_body(self.headers)
        if headers:
            self._replaying = True
            self.parser.feed_data(b"".join((b"POST / HTTP/1.1\r\n", *headers, b"\r\n")))
            self._replaying = False


def _headers_of_body(headers: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    return [b"%s: %s\r\n" % each for each in headers if each[0] in _OF_A_BODY]
