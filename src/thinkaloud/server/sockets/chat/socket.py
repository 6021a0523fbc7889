"""The chat WebSocket: accepts it, owns its tasks and disconnects slow clients."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from starlette.types import Receive, Scope, Send

from thinkaloud.auth.carriers.credentials import offered_subprotocol
from thinkaloud.errors import Forbidden, ThinkaloudError
from thinkaloud.ports.principal import Principal
from thinkaloud.server.access.actor import count_forbidden
from thinkaloud.server.http.guard import refuse
from thinkaloud.server.http.operation import principal_of, request_id_of
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.open_streams import Reason
from thinkaloud.server.services import ServerServices, ServerState
from thinkaloud.server.sockets.chat.session import SocketSession
from thinkaloud.server.stream_monitor import Interruption
from thinkaloud.server.streams.backpressure import Outlet

PATH: Final = "/api/v1/chat/stream"
TOO_SLOW: Final = 1013
"""Close code for a client that stopped reading: it can reconnect and resume."""
CREDENTIAL_ENDED: Final = 4401
"""Close code for a client whose key or session was revoked or has expired."""

PERMISSIONS_CHANGED: Final = 1012
"""Close code for a client whose key now has another owner, scope or reasoning policy: it can
reconnect. The code says that the service restarts."""

_ENDINGS: Final[Mapping[Reason, tuple[int, str]]] = {
    "ended": (CREDENTIAL_ENDED, "the credential has expired or was revoked"),
    "changed": (PERMISSIONS_CHANGED, "what the key permits has changed: connect again"),
}
_WHY: Final = "reading too slowly: connect again and resume after your last seq"
_CLOSE_SECONDS: Final = 5.0


class Session(Protocol):
    """The state of one socket."""

    async def serve(self, receive: Receive) -> None:
        """Handle messages until the client disconnects."""
        ...


class ChatSocket:
    """`/chat/stream` as an ASGI app. Runs continue when their socket closes (P9)."""

    __name__ = PATH

    def __init__(self, services: ServerServices, state: ServerState) -> None:
        self._services = services
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until it is closed."""
        await receive()
        try:
            principal = principal_of(scope)
            principal.check("chat", "read")
        except ThinkaloudError as error:
            if isinstance(error, Forbidden):
                count_forbidden(self._services.access, scope)
            await refuse(error, scope, send)
            return
        if self._state.sockets >= self._services.settings.max_sockets:
            await refuse(Refused(503, "busy", "Too many sockets are open."), scope, send)
            return
        self._state.sockets += 1
        try:
            request_id = request_id_of(scope).encode()
            accepted = {
                "type": "websocket.accept",
                "subprotocol": offered_subprotocol(scope["headers"]),
                "headers": [(b"x-request-id", request_id)],
            }
            await send(accepted)
            closing = await self._serve(principal, scope, receive, send)
            if closing is not None:
                await self._close(send, *closing)
        finally:
            self._state.sockets -= 1

    async def _serve(
        self, principal: Principal, scope: Scope, receive: Receive, send: Send
    ) -> tuple[int, str] | None:
        """Serve until the client disconnects, or return the code and the reason to close with."""

        async def write(data: bytes) -> None:
            # If the client has disconnected, `receive` reports it after its last messages. Waiting
            # here would block reading them and keep the socket open.
            with suppress(OSError):
                await send({"type": "websocket.send", "text": data.decode()})

        services, outlet = self._services, Outlet(write, scope)
        session = self._session(principal, outlet, lambda: count_forbidden(services.access, scope))
        monitor = self._state.monitor
        closing: tuple[int, str] | None = None

        def drop() -> None:
            nonlocal closing
            self._state.dropped_readers += 1
            closing = closing or (TOO_SLOW, _WHY)
            interruption.interrupt()

        def end(reason: Reason) -> None:
            nonlocal closing
            closing = closing or _ENDINGS[reason]
            interruption.interrupt()

        with Interruption() as interruption, self._state.open_streams.opened(principal, end):
            monitor.add(outlet, drop)
            try:
                await session.serve(receive)
            finally:
                monitor.remove(outlet)
        return closing if interruption.interrupted else None

    def _session(
        self, principal: Principal, outlet: Outlet, on_forbidden: Callable[[], None]
    ) -> Session:
        return SocketSession(self._services, self._state, principal, outlet, on_forbidden)

    async def _close(self, send: Send, code: int, reason: str) -> None:
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await send({"type": "websocket.close", "code": code, "reason": reason})
