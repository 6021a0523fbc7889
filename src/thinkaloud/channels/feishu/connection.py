"""Feishu's long connection: a WebSocket that the app opens, over which events arrive.

https://open.feishu.cn/document/server-docs/event-subscription-guide/event-subscription-configure-/request-url-configuration-case
"""

import asyncio
import base64
import json
import logging
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit
from weakref import WeakValueDictionary

import aiohttp
import msgspec

from thinkaloud.channels.feishu.api import FeishuApi
from thinkaloud.channels.feishu.frames import DATA, Frame, MalformedFrame, decode, encode, ping
from thinkaloud.channels.platform.errors import Misconfigured, Transient, network_reason
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tasks import owned_tasks

Json = Mapping[str, Any]
Handle = Callable[[Json], Awaitable[Json | None]]
"""Handles an event and returns the answer to it. It is acknowledged once this returns; if it raises, or takes more than
three seconds, Feishu sends the event again."""

_TIMEOUT: Final = aiohttp.ClientWSTimeout(ws_close=2.0)  # pyright: ignore[reportCallIssue]
_PING_SECONDS: Final = 120.0
_RECONNECT_SECONDS: Final = 5.0
"""The most that the first reconnection waits; Feishu asks for up to 30 s, which is long for a person."""
_SHORT_MS: Final = 5_000
_MAX_FRAME: Final = 16 * 1024 * 1024
_MAX_PARTS: Final = 100
_MAX_PARTIAL: Final = 32
_MAX_EVENTS: Final = 64
"""The most events that are handled at a time; others wait."""
_FORBIDDEN: Final = "403"
_TOO_MANY: Final = "1000040350"
_log = logging.getLogger(__name__)


class _Handling(msgspec.Struct, frozen=True):
    """What handles events, and who owns the tasks: they outlive a lost connection."""

    handle: Handle
    tasks: asyncio.TaskGroup


class LongConnection:
    """The connection of one app, renewed whenever it ends."""

    def __init__(self, name: str, api: FeishuApi, clock: Clock) -> None:
        self._name = name
        self._api = api
        self._clock = clock
        self._partial: OrderedDict[str, dict[int, bytes]] = OrderedDict()
        self._ping_seconds = _PING_SECONDS
        self._reconnect_seconds = _RECONNECT_SECONDS
        self._alive = True
        self._room = asyncio.Semaphore(_MAX_EVENTS)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(self, handle: Handle, ready: Callable[[], None]) -> None:
        """Receive until cancelled.

        Raises `Transient` if a connection can't be made, or ends at once, and `Misconfigured`.
        """
        async with owned_tasks() as handling:
            while True:
                data = await self._api.connection_address()
                self._configure(cast("Json", data.get("ClientConfig") or {}))
                address = str(data["URL"])
                started = self._clock.steady_ms()
                await self._connect(address, _Handling(handle, handling), ready)
                if self._clock.steady_ms() - started < _SHORT_MS:
                    raise Transient("Feishu ended the long connection at once.")
                await self._clock.sleep(random.uniform(0, self._reconnect_seconds))

    async def _connect(
        self, address: str, handling: "_Handling", ready: Callable[[], None]
    ) -> None:
        service = int(parse_qs(urlsplit(address).query).get("service_id", ["0"])[0] or 0)
        try:
            async with self._api.session.ws_connect(
                address, max_msg_size=_MAX_FRAME, timeout=_TIMEOUT
            ) as socket:
                ready()
                async with asyncio.TaskGroup() as tasks:
                    pinging = tasks.create_task(self._ping(socket, service))
                    try:
                        await self._receive(socket, handling)
                    finally:
                        pinging.cancel()
        except aiohttp.WSServerHandshakeError as error:
            raise _refused(error) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            # Its text has the address, and that has a ticket.
            raise Transient(f"the long connection: {network_reason(error)}") from None

    async def _ping(self, socket: aiohttp.ClientWebSocketResponse, service: int) -> None:
        while not socket.closed:
            self._alive = False
            try:
                await socket.send_bytes(encode(ping(service)))
            except (ConnectionError, aiohttp.ClientError):
                return
            await self._clock.sleep(self._ping_seconds)
            if not self._alive:
                _log.info("channel %s: the long connection is silent; it is made again", self._name)
                await socket.close()

    async def _receive(
        self, socket: aiohttp.ClientWebSocketResponse, handling: "_Handling"
    ) -> None:
        async for message in socket:
            self._alive = True
            if message.type is not aiohttp.WSMsgType.BINARY:
                continue
            try:
                frame = decode(cast("bytes", message.data))
            except MalformedFrame as error:
                _log.warning("channel %s: a malformed frame: %s", self._name, error)
                continue
            if frame.method == DATA:
                payload = self._combined(frame)
                if payload is not None and frame.headers.get("type") == "event":
                    await self._room.acquire()
                    handling.tasks.create_task(self._answer(socket, frame, payload, handling))
            elif frame.headers.get("type") == "pong" and frame.payload:
                self._configure(_json(frame.payload) or {})

    async def _answer(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        frame: Frame,
        payload: bytes,
        handling: "_Handling",
    ) -> None:
        """Handle an event and acknowledge it. Those of a chat are handled one after the other."""
        started = self._clock.steady_ms()
        reply: dict[str, Any] = {"code": 200}
        try:
            event = _json(payload) or {}
            async with self._locks.setdefault(_chat_of(event), asyncio.Lock()):
                answer = await handling.handle(event)
            if answer is not None:
                encoded = json.dumps(answer, ensure_ascii=False).encode()
                reply["data"] = base64.b64encode(encoded).decode()
        except Exception as error:  # noqa: BLE001 - Feishu sends it again
            _log.error("channel %s: an event failed: %s", self._name, type(error).__name__)
            reply["code"] = 500
        finally:
            self._room.release()
        taken = str(self._clock.steady_ms() - started)
        headers = {**frame.headers, "biz_rt": taken}
        done = msgspec.structs.replace(frame, headers=headers, payload=json.dumps(reply).encode())
        with suppress(ConnectionError, aiohttp.ClientError):  # Feishu sends it again.
            await socket.send_bytes(encode(done))

    def _combined(self, frame: Frame) -> bytes | None:
        headers = frame.headers
        count, index = _number(headers.get("sum")), _number(headers.get("seq"))
        if count <= 1:
            return frame.payload
        if not 0 <= index < count <= _MAX_PARTS:
            return None
        name = headers.get("message_id", "")
        parts = self._partial.setdefault(name, {})
        parts[index] = frame.payload
        if len(parts) == count:
            del self._partial[name]
            return b"".join([parts[index] for index in range(count)])
        if len(self._partial) > _MAX_PARTIAL:
            self._partial.popitem(last=False)
        return None

    def _configure(self, settings: Json) -> None:
        interval, nonce = settings.get("PingInterval"), settings.get("ReconnectNonce")
        if isinstance(interval, int) and interval > 0:
            self._ping_seconds = float(interval)
        if isinstance(nonce, int) and nonce >= 0:
            self._reconnect_seconds = min(float(nonce), _RECONNECT_SECONDS)


def _chat_of(event: Json) -> str:
    """Return the chat of a message; buttons and menus need no order."""
    found: object = event.get("event")
    message: object = cast("Json", found).get("message") if isinstance(found, dict) else None
    chat_id: object = cast("Json", message).get("chat_id") if isinstance(message, dict) else None
    header: object = event.get("header")
    event_id: object = cast("Json", header).get("event_id") if isinstance(header, dict) else None
    return str(chat_id or event_id)


def _refused(error: aiohttp.WSServerHandshakeError) -> Exception:
    headers: Mapping[str, str] = error.headers or {}
    message = headers.get("handshake-msg", "")
    if headers.get("handshake-autherrcode") == _TOO_MANY:
        return Misconfigured("The app has too many long connections (50): end other processes.")
    if headers.get("handshake-status") == _FORBIDDEN:
        return Misconfigured(f"Feishu refuses the long connection: {message[:200]}")
    return Transient(f"the long connection: status {error.status} {message[:200]}")


def _json(data: bytes) -> Json | None:
    try:
        found: object = json.loads(data)
    except ValueError:
        return None
    return cast("Json", found) if isinstance(found, dict) else None


def _number(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0
