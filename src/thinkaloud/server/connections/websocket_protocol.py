"""uvicorn's WebSocket connections, with limits on what a client sends and leaves unread."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, cast

from typing_extensions import override
from uvicorn import Config
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode, Frame

from thinkaloud.server.connections.limits import (
    LINGER_SECONDS,
    ConnectionLimits,
    Deadline,
    ServerConfig,
    raw_refusal,
)
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.streams.backpressure import IS_GONE, ON_GONE, WRITE_NOW

CLOSE_SECONDS: Final = 5.0
OF_HTTP: Final = frozenset({IS_GONE, ON_GONE})
"""The entries of a connection's state that refer to the HTTP connection before the upgrade."""
MAX_EMPTY_FRAGMENTS: Final = 128
"""Maximum empty fragments per message, which the size limit does not count."""


class SocketConnection(WebSocketsSansIOProtocol):
    """A WebSocket that closes without waiting for the client, and aborts if it does not respond.

    A rejected upgrade gets a response and logs no error. A message must arrive within the time
    limit. While a client does not read its pongs, the server does not read its messages.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits: ConnectionLimits = cast("ServerConfig", config).connection_limits
        late = f"a message took longer than {self._limits.body_timeout:g} seconds"
        self._deadline = Deadline(lambda: _fail(self, CloseCode.POLICY_VIOLATION, late))
        self._message: bytearray | None = None
        """The incomplete message so far, as one buffer: a list of fragments would be unbounded."""
        self._empty_fragments = 0
        self._early = b""
        """Data received before the handshake was complete."""
        self._held = False
        """Whether reading is paused until something is written."""
        self._failed = False
        self._direct = False
        """Whether the handshake is complete, without extensions that change messages."""
        # The rest belongs to the HTTP connection, which must not stay in memory with this one.
        self.app_state = {
            key: value for key, value in self.app_state.items() if key not in OF_HTTP
        } | {WRITE_NOW: self.write_texts}

    def write_texts(self, texts: Sequence[bytes]) -> bool:
        """Write text messages, past uvicorn.

        Returns False, having written nothing, if that isn't possible right now: the send buffer is
        above its high-water mark, or the socket is closing.
        """
        if (
            not self._direct
            or self.close_sent
            or self.disconnected
            or not self.writable.is_set()
            or self.transport.is_closing()
        ):
            return False
        if len(texts) == 1:
            self.transport.write(text_message(texts[0]))
        else:
            self.transport.write(b"".join(map(text_message, texts)))
        return True

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._failed or self.transport.is_closing():
            return
        if self.handshake_initiated and not self.handshake_complete:
            # The library accepts frames only after the handshake.
            self._early += data
            self._pause_reading()
            return
        super().data_received(data)
        if self._failed or self.transport.is_closing():
            return
        if not self.handshake_initiated:
            self._limits.log("WebSocket handshakes refused")
            answer = b"".join(self.conn.data_to_send())
            error = Refused(400, "malformed_request", "This is not a valid WebSocket handshake.")
            self.transport.write(answer or raw_refusal(error))
            self.transport.close()
        elif self._message is None and not self.conn.reader.buffer:
            self._deadline.cancel()
        elif not self._deadline.is_set:
            self._deadline.set(self._limits.body_timeout)

    @override
    def handle_text(self, event: Frame) -> None:
        self.curr_msg_data_type = "text"
        self._begin(event)

    @override
    def handle_bytes(self, event: Frame) -> None:
        self.curr_msg_data_type = "bytes"
        self._begin(event)

    @override
    def handle_cont(self, event: Frame) -> None:
        message = self._message
        if message is None:
            return  # The message was discarded.
        message += event.data
        if not event.data:
            self._empty_fragments += 1
            if self._empty_fragments > MAX_EMPTY_FRAGMENTS:
                _fail(self, CloseCode.POLICY_VIOLATION, "too many empty fragments")
                return
        if event.fin:
            self._message = None
            self.frames = [bytes(message)]
            if self.curr_msg_data_type == "text" and not _is_utf8(message):
                _fail(self, CloseCode.INVALID_DATA, "a text message is not valid UTF-8")
            else:
                self.send_receive_event_to_app()

    @override
    def handle_ping(self) -> None:
        # A frame before it, in the same data, may have closed the connection.
        if self._failed or self.transport.is_closing():
            return
        super().handle_ping()
        if not self.writable.is_set():
            self._pause_reading()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._resume_reading()

    @override
    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.disconnected = True
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    @override
    def handle_parser_exception(self) -> None:
        close = self.conn.close_sent
        if close is None:
            return
        # From here on, the application sees the client as disconnected, whatever it sends.
        self._failed = self.disconnected = True
        self.writable.set()
        self._message = None
        self._deadline.cancel()
        self._limits.log("WebSockets closed: their clients broke the protocol")
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": close.code, "reason": close.reason}
        )
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self.read_paused or self._held:
            self.transport.resume_reading()
        # In uvicorn, this timer closes the connection, not the application.
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    @override
    async def send(self, message: ASGISendEvent) -> None:
        closing = message["type"] == "websocket.close"
        if closing:
            self.writable.set()
        try:
            await super().send(message)
        except RuntimeError:
            # uvloop raises this if the client has just disconnected.
            if not self.transport.is_closing():
                raise
            raise ClientDisconnected from None
        if message["type"] == "websocket.accept":
            self._direct = self.handshake_complete and not self.conn.extensions
        if message["type"] == "websocket.accept" and self._early:
            early, self._early = self._early, b""
            self._resume_reading()
            self.data_received(early)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True
        if closing and self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def _pause_reading(self) -> None:
        if not self._held:
            self._held = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._held:
            self._held = False
            if not self.read_paused:
                self.transport.resume_reading()

    def _begin(self, event: Frame) -> None:
        if not self.close_sent:
            self._message = bytearray()
            self._empty_fragments = 0
            self.handle_cont(event)


def _fail(connection: SocketConnection, code: CloseCode, reason: str) -> None:
    """Close a socket because of a client error."""
    if not connection.close_sent and not connection.transport.is_closing():
        connection.conn.fail(code, reason)
        connection.handle_parser_exception()


def text_message(text: bytes) -> bytes:
    """Return a message of a server as one unmasked frame (RFC 6455, section 5.2)."""
    size = len(text)
    if size < 126:
        return b"\x81%c%b" % (size, text)
    if size < 65_536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), text)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), text)


def _is_utf8(data: bytearray) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
