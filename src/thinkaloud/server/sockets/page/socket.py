"""`/ws`, the socket of the web page: many chats on one socket, many sockets on one chat."""

from collections.abc import Callable
from typing import Final

from typing_extensions import override

from thinkaloud.ports.principal import Principal
from thinkaloud.server.sockets.chat.socket import ChatSocket, Session
from thinkaloud.server.sockets.page.session import ChannelSession
from thinkaloud.server.streams.backpressure import Outlet

CHANNEL_PATH: Final = "/ws"


class ChannelSocket(ChatSocket):
    """`/ws` as an ASGI app. Runs continue when their socket closes (P9)."""

    __name__ = CHANNEL_PATH

    @override
    def _session(
        self, principal: Principal, outlet: Outlet, on_forbidden: Callable[[], None]
    ) -> Session:
        return ChannelSession(self._services, self._state, principal, outlet, on_forbidden)
