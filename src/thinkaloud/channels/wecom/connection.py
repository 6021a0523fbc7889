"""WeCom's long connection, by Tencent's SDK.

The SDK's own reconnection is off: it misses a close with code 1000, waits by itself, and reports a wrong secret only as an
event. Each connection here is a new client of the SDK.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

import aibot.ws  # pyright: ignore[reportMissingTypeStubs]
from aibot import (  # pyright: ignore[reportMissingTypeStubs]
    WSClient,
    WSClientOptions,
    generate_req_id,
)
from typing_extensions import override

from thinkaloud.channels.platform.errors import Misconfigured, PlatformError, Transient
from thinkaloud.channels.wecom.failures import login_failure, sending_failure
from thinkaloud.channels.wecom.read import event_type
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tasks import owned_tasks

Frame = Mapping[str, Any]
Handle = Callable[[Frame], Awaitable[None]]

_LOGIN_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 1.0
_CLOSE_SECONDS: Final = 6.0
_SHORT_MS: Final = 5_000
_RECONNECT_SECONDS: Final = 1.0
_MAX_WAITING: Final = 1_000
"""The most frames that wait to be handled. WeCom expects no acknowledgement, so what exceeds that is dropped."""
_TAKEN_OVER: Final = "disconnected_event"
_log = logging.getLogger(__name__)


class TakenOver(Transient):
    """WeCom ended the connection because the bot has a newer one."""


class Quiet:
    """The SDK's logger: it logs nothing, because its messages contain what people write."""

    def debug(self, message: str, *args: object) -> None:
        """Drop a message."""

    info = warn = error = debug


class Login:
    """How to connect: the address, the bot and its secret."""

    def __init__(self, url: str, bot_id: str, secret: str) -> None:
        self.url = url
        self.bot_id = bot_id
        self._secret = secret

    @override
    def __repr__(self) -> str:
        """Without the secret."""
        return f"Login({self.url!r}, {self.bot_id!r})"

    def client(self) -> WSClient:
        """Return a new client that connects once."""
        options = WSClientOptions(
            bot_id=self.bot_id,
            secret=self._secret,
            max_reconnect_attempts=0,
            ws_url=self.url,
            logger=Quiet(),
        )
        return WSClient(options)


def trust(ca_file: str) -> None:
    """Let the SDK trust these certificates too. It has one TLS context and no option for it.

    Raises `Misconfigured`.
    """
    context: ssl.SSLContext = aibot.ws._SSL_CONTEXT  # pyright: ignore[reportPrivateUsage]
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        raise Misconfigured(f"ca_file can't be read: {error.strerror or error}") from None


class LongConnection:
    """The connection of one bot, renewed whenever it ends."""

    def __init__(self, name: str, login: Login, clock: Clock) -> None:
        self._name = name
        self._login = login
        self._clock = clock
        self._client: WSClient | None = None

    async def run(self, handle: Handle, ready: Callable[[], None]) -> None:
        """Receive until cancelled, one frame after the other.

        Raises `Transient` if a connection can't be made, ends at once or is taken over, and
        `Misconfigured`.
        """
        while True:
            started = self._clock.steady_ms()
            failure = await self._connect(handle, ready)
            if isinstance(failure, TakenOver) or self._clock.steady_ms() - started < _SHORT_MS:
                raise failure
            _log.info("channel %s: %s", self._name, failure.message)
            await self._clock.sleep(_RECONNECT_SECONDS)

    async def check(self) -> None:
        """Log in and close again. Raises as `run`."""
        session = _Session(self._login, self._clock)
        try:
            await session.open()
        finally:
            await session.close()

    async def stream(self, req_id: str, stream_id: str, content: str, *, finish: bool) -> None:
        """Set the content of the stream message that answers a request.

        Raises `RetryLater`, `Transient` or `Refusal`.
        """
        frame = {"headers": {"req_id": req_id}}
        try:
            await self._connected().reply_stream(frame, stream_id, content, finish)
        except (RuntimeError, TimeoutError, OSError) as error:
            raise sending_failure(error) from None

    async def send(self, chat_id: str, kind: str, **part: str) -> None:
        """Send a message of its own, of this type with these fields. Raises as `stream`."""
        try:
            await self._connected().send_message(chat_id, {"msgtype": kind, kind: part})
        except (RuntimeError, TimeoutError, OSError) as error:
            raise sending_failure(error) from None

    async def request(self, command: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a command of WeCom that the SDK has no method for, and return the answer's body.

        Raises as `stream`.
        """
        frame = {"headers": {"req_id": generate_req_id(command)}}
        try:
            answer = await self._connected().reply(frame, dict(body), command)
        except (RuntimeError, TimeoutError, OSError) as error:
            raise sending_failure(error) from None
        found: object = answer.get("body")
        return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}

    def _connected(self) -> WSClient:
        if self._client is None:
            raise Transient("the long connection is being made again")
        return self._client

    async def _connect(self, handle: Handle, ready: Callable[[], None]) -> PlatformError:
        """Connect, receive until the connection ends, and return why it did."""
        session = _Session(self._login, self._clock)
        try:
            await session.open()
            self._client = session.client
            ready()
            async with owned_tasks() as tasks:
                handling = tasks.create_task(self._handle(session, handle))
                try:
                    return await session.ended()
                finally:
                    handling.cancel()
        finally:
            self._client = None
            await session.close()

    async def _handle(self, session: "_Session", handle: Handle) -> None:
        while True:
            frame = await session.frames.get()
            try:
                await handle(frame)
            except Exception as error:  # noqa: BLE001 - one frame must not end the channel
                _log.error("channel %s: a frame failed: %s", self._name, type(error).__name__)


class _Session:
    """One client of the SDK, from login to its end."""

    def __init__(self, login: Login, clock: Clock) -> None:
        self.client = login.client()
        self.frames: asyncio.Queue[Frame] = asyncio.Queue(_MAX_WAITING)
        self._bot_id = login.bot_id
        self._clock = clock
        self._logged_in = asyncio.Event()
        self._failure: PlatformError | None = None
        self._changed = asyncio.Event()
        self.client.on("authenticated", self._on_login)
        self.client.on("error", self._on_error)
        self.client.on("message", self._on_frame)
        self.client.on("event", self._on_frame)

    async def open(self) -> None:
        """Connect and log in. Raises `Transient` or `Misconfigured`."""
        await self.client.connect()
        deadline = self._clock.steady_ms() + int(_LOGIN_SECONDS * 1000)
        while not self._logged_in.is_set():
            if self._failure is not None:
                raise self._failure
            if not self.client.is_connected or self._clock.steady_ms() >= deadline:
                raise Transient("the long connection: no answer to the login")
            await self._look()

    async def ended(self) -> PlatformError:
        """Wait until the connection has ended. A close with code 1000 fires no event."""
        while self._failure is None and self.client.is_connected:
            await self._look()
        return self._failure or Transient("the long connection was closed")

    async def close(self) -> None:
        """Close the connection, and wait for the tasks that the SDK closes it with."""
        before = asyncio.all_tasks()
        self.client.remove_all_listeners()
        self.client.on("error", _ignore)
        self.client.disconnect()
        if closing := asyncio.all_tasks() - before:
            await asyncio.wait(closing, timeout=_CLOSE_SECONDS)

    async def _look(self) -> None:
        """Wait for an event, or some time."""
        async with owned_tasks() as tasks:
            sleeping = tasks.create_task(self._clock.sleep(_LOOK_SECONDS))
            waiting = tasks.create_task(self._changed.wait())
            await asyncio.wait((sleeping, waiting), return_when=asyncio.FIRST_COMPLETED)
            sleeping.cancel()
            waiting.cancel()
        self._changed.clear()

    def _on_login(self) -> None:
        self._logged_in.set()
        self._changed.set()

    def _on_error(self, error: Exception) -> None:
        self._fail(login_failure(error, self._bot_id))

    def _on_frame(self, frame: Frame) -> None:
        if event_type(frame) == _TAKEN_OVER:
            self._fail(TakenOver("Another process has connected as this bot; only one can."))
            return
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            _log.warning("too many messages at once; one is dropped")

    def _fail(self, failure: PlatformError) -> None:
        if self._failure is None:
            self._failure = failure
        self._changed.set()


def _ignore(error: Exception) -> None:
    """Handle the error event, which raises if nothing does."""
