"""Receives payloads over Socket Mode, through Bolt: https://docs.slack.dev/apis/events-api/using-socket-mode."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from thinkaloud.channels.platform.errors import Transient
from thinkaloud.channels.slack.quiet import quiet_logger
from thinkaloud.channels.slack.read import Identity
from thinkaloud.ports.clock import Clock

Handle = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Handles a payload. It is acknowledged once this returns; if it raises, Slack sends it again."""

PING_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 2.0
_SHORT_MS: Final = 5_000


class _Client(SocketModeClient):
    """The library's client, without its reconnects: they retry a used ticket for ever, every few seconds."""

    lost: asyncio.Event

    @override
    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        """Called when the connection is gone, and when Slack announces that it will be."""
        self.lost.set()


class SocketMode:
    """The connection of one app, renewed whenever Slack ends it."""

    def __init__(
        self,
        app_token: str,
        client: AsyncWebClient,
        clock: Clock,
        *,
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self._app_token = app_token
        self._client = client
        self._clock = clock
        self._ping_seconds = ping_seconds

    async def run(
        self,
        me: Identity,
        open_url: Callable[[], Awaitable[str]],
        handle: Handle,
        ready: Callable[[], None],
    ) -> None:
        """Receive until cancelled. `open_url` returns the address of a new connection.

        Raises `Transient` if a connection fails or ends at once, and whatever `open_url` raises.
        """
        app = _app(me, handle, self._client)

        async def answer(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
            response = await run_async_bolt_app(app, request)
            await send_async_response(client, request, response, 0.0)

        while True:
            url = await open_url()
            client = self._socket()
            client.socket_mode_request_listeners.append(answer)
            started = self._clock.steady_ms()
            try:
                await _connect(client, url)
                ready()
                await client.lost.wait()
            finally:
                await _close(client)
            if self._clock.steady_ms() - started < _SHORT_MS:
                raise Transient("Slack ended the Socket Mode connection at once.")

    def _socket(self) -> _Client:
        client = _Client(
            self._app_token, quiet_logger(), self._client, ping_interval=self._ping_seconds
        )
        client.lost = asyncio.Event()
        return client


async def _connect(client: _Client, url: str) -> None:
    client.wss_uri = url
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await client.connect()
    except TimeoutError:
        raise Transient("Socket Mode: no connection") from None


async def _close(client: _Client) -> None:
    """Close politely, but whatever happens, and even if it is cancelled: close."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await client.close()
    except TimeoutError:
        pass
    finally:
        await client.aiohttp_client_session.close()


def _app(me: Identity, handle: Handle, client: AsyncWebClient) -> AsyncApp:
    """A Bolt app that ignores its own events and passes everything else on.

    Whether or not it means something to us, it is acknowledged: Bolt leaves events without a listener unacknowledged,
    and Slack sends them again.
    """

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id=me.team_id,
            bot_token=client.token,
            bot_id=me.bot_id,
            bot_user_id=me.user_id,
        )

    async def take(body: Mapping[str, Any]) -> BoltResponse:
        await handle(body)
        return BoltResponse(status=200, body="")

    app = AsyncApp(
        logger=quiet_logger(),
        # Bolt takes over the logger of this name: it must not be one of ours.
        name="slack_bolt.app",
        client=AsyncWebClient(base_url=client.base_url, session=client.session),
        # Without this, Bolt looks for SLACK_CLIENT_ID in the environment and then forgets the token.
        authorize=authorize,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
    )
    app.middleware(take)  # pyright: ignore[reportUnknownMemberType]
    return app
