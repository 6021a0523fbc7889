"""The connection to the gateway: discord.py's client, with the addresses of the settings."""

import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket, KeepAliveHandler
from discord.http import HTTPClient, Route
from typing_extensions import override

from thinkaloud.channels.discord.api import Api, Json, NotFound
from thinkaloud.channels.platform.errors import (
    Misconfigured,
    PlatformError,
    Transient,
    network_reason,
)

Handler = Callable[[Any], Awaitable[None]]

_FATAL: Final = {
    4004: "the token is not accepted",
    4010: "the gateway does not accept the shard",
    4011: "the bot is in too many servers for one connection",
    4012: "the gateway does not accept the version of its protocol",
    4013: "the gateway does not accept the intents",
}
_NO_INTENT: Final = (
    "`mention_only = false` needs the Message Content Intent: switch it on in the Discord"
    " Developer Portal, on the page Bot"
)
_log = logging.getLogger(__name__)


class _Http(HTTPClient):
    """Sends the library's own calls through `Api`, and connects to the gateway of the settings."""

    def __init__(self, client: discord.Client, api: Api, gateway: str, *, fixed: bool) -> None:
        super().__init__(client.loop)
        self._api = api
        self._gateway = yarl.URL(gateway)
        self._fixed = fixed

    @override
    async def request(self, route: Route, **kwargs: Any) -> Any:
        """Make a call. See `Api.request`."""
        path = route.url.removeprefix(Route.BASE)
        return await self._api.request(route.method, path, kwargs.get("json"))

    @override
    async def ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        """Connect to the gateway. Sessions are resumed where READY said, unless it is fixed."""
        asked = yarl.URL(url)
        if self._fixed or asked.host == DiscordWebSocket.DEFAULT_GATEWAY.host:
            asked = self._gateway.with_query(asked.query)
        return await super().ws_connect(str(asked), compress=compress)


class Gateway(discord.Client):
    """Receives. Keeps no messages and no members."""

    def __init__(self, api: Api, url: str, *, fixed: bool, content: bool) -> None:
        intents = discord.Intents(
            guilds=True, guild_messages=True, dm_messages=True, message_content=content
        )
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
        )
        self.http = _Http(self, api, url, fixed=fixed)
        self._connection.http = self.http
        self._handlers_of: dict[str, Handler] = {}
        self.changed: Callable[[bool], None] = lambda _: None

    def handle(self, event: str, handler: Handler) -> None:
        """Call this for each event of a kind: `message`, `edit`, `interaction`."""
        self._handlers_of[event] = handler

    async def close_connections(self) -> None:
        """Close connections that the library leaves: those that weren't complete when it ended.

        Their heartbeat threads know them.
        """
        for thread in threading.enumerate():
            if isinstance(thread, KeepAliveHandler):
                connection: object = getattr(thread.ws, "_connection", None)
                if connection is self._connection:
                    thread.stop()
                    await thread.ws.close(code=1000)

    async def on_connect(self) -> None:
        """Note a new session. `on_ready` comes seconds later, and messages before it."""
        self.changed(True)

    async def on_resumed(self) -> None:
        """Note a resumed session."""
        self.changed(True)

    async def on_disconnect(self) -> None:
        """Note a lost connection; the library connects again."""
        self.changed(False)

    async def on_message(self, message: discord.Message) -> None:
        """Deliver a message."""
        await self._handlers_of["message"](message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """Deliver a message that a person edited. Previews of links are edits without a time."""
        if event.message.edited_at is not None:
            await self._handlers_of["edit"](event.message)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Deliver a slash command or a button."""
        await self._handlers_of["interaction"](interaction)

    @override
    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log that an event could not be handled, without its content."""
        _log.exception("discord: %s failed", event_method)


async def named_gateway(api: Api) -> str:
    """Return the address of the gateway that the API names."""
    try:
        found = await api.call("GET", "/gateway/bot")
    except NotFound:
        found = await api.call("GET", "/gateway")
    if sessions_left(found) == 0:
        raise Transient("Discord allows no new connection of this bot today")
    return str(found["url"])


def sessions_left(found: Json) -> int:
    """Return how many connections the bot may still make in this day, from `/gateway/bot`."""
    limit = cast("Json", found.get("session_start_limit") or {})
    return int(limit.get("remaining", 1))


def gateway_error(error: Exception) -> PlatformError:
    """Return the layer's error for one that ended the connection."""
    if isinstance(error, discord.PrivilegedIntentsRequired):
        return Misconfigured(_NO_INTENT)
    if isinstance(error, discord.ConnectionClosed):
        if error.code in _FATAL:
            return Misconfigured(f"{_FATAL[error.code]} (close code {error.code})")
        return Transient(f"the gateway closed the connection with code {error.code}")
    return Transient(f"the gateway cannot be reached: {network_reason(error)}")
