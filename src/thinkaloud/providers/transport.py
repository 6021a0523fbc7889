"""HTTP connections to hosts, using aiohttp.

Imported on the first call (`thinkaloud.providers.client.Sessions`), because importing aiohttp
would dominate the startup time.
"""

import asyncio
import functools
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.client_proto import ResponseHandler
from typing_extensions import override
from yarl import URL

from thinkaloud.version import __version__

ERRORS: Final = (aiohttp.ClientError, OSError, asyncio.IncompleteReadError)
"""Exceptions of a call, or of reading a body, if the address, connection or framing fails."""

_CONNECT_SECONDS: Final = 15.0
_KEPT_SECONDS: Final = 300
"""How long an unused connection is kept: connecting again takes several round trips."""
_END_SECONDS: Final = 1.0
"""How long to wait for the end of a body after its last event."""
_PROBES: Final = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
"""How a silent connection is probed: routers forget it after a few minutes otherwise, also while a
model thinks, and a dead one is noticed within a minute."""
_MAX_HEADER: Final = 64 * 1024


class Connection(ResponseHandler):
    """An HTTP connection that calls back after each read from its socket, if asked to."""

    on_read: Callable[[], None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        _probe(transport)

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.on_read is not None:
            self.on_read()

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self.on_read is not None:
            self.on_read()

    @override
    def resume_reading(self, *arguments: bool, **options: bool) -> None:
        # aiohttp calls this for every chunk that is taken from its buffer, and then runs its
        # parser and calls the transport even if reading was not paused.
        if getattr(self, "_reading_paused", True):
            super().resume_reading(*arguments, **options)


def _probe(transport: asyncio.BaseTransport) -> None:
    """Switch on TCP's keepalive."""
    connected: socket.socket | None = transport.get_extra_info("socket")
    if connected is None or connected.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    with suppress(OSError):  # It was closed at once.
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _PROBES:
            # Not every platform supports all of them.
            if hasattr(socket, option):
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


class _Connector(aiohttp.TCPConnector):
    """A connector whose connections are `Connection`s."""

    def __init__(self, *, limit: int, keepalive_timeout: float) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            limit=limit, keepalive_timeout=keepalive_timeout
        )
        # Not public: without it, `read` waits for each chunk in its own task.
        self._factory = functools.partial(Connection, loop=asyncio.get_running_loop())


class _Reading:
    """Passes the body of a response on, from within the reads of its connection."""

    def __init__(self, content: aiohttp.StreamReader, take: Callable[[bytes], bool]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._content = content
        self._take = take
        self._busy = self._more = self._at_end = False
        content.on_eof(self._note_end)

    def on_read(self) -> None:
        """Take what has arrived. Called after each read, and when the connection is lost."""
        if self._busy:
            # Taking from a full buffer resumes reading, which leads back here.
            self._more = True
            return
        content = self._content
        self._busy = self._more = True
        try:
            while self._more and not self.done.done():
                self._more = False
                data = content.read_nowait()
                over = (data and not self._take(data)) or (self._at_end and not self._more)
                if over and not self.done.done():
                    self.done.set_result(None)
        except Exception as error:  # noqa: BLE001 - raised where the response is awaited
            if not self.done.done():
                self.done.set_exception(error)
        finally:
            self._busy = False

    def _note_end(self) -> None:
        self._at_end = True


def is_local_url(url: str) -> bool:
    """Whether an address is on this machine, which a proxy cannot reach."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def new_session(*, proxies: bool) -> aiohttp.ClientSession:
    """Return a connection pool for this event loop. The caller must close it.

    `proxies`: whether to use the proxies configured in the environment.
    """
    return aiohttp.ClientSession(
        # Only connecting times out here; the runtime handles the timeout of a silent model.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
        headers={"User-Agent": f"thinkaloud/{__version__}", "Accept-Encoding": "identity"},
        connector=_Connector(limit=0, keepalive_timeout=_KEPT_SECONDS),
        trust_env=proxies,
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=_MAX_HEADER,
        max_field_size=_MAX_HEADER,
    )


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]
) -> aiohttp.ClientResponse:
    """Send a POST request and return the response, with only its headers read."""
    return await session.post(_as_signed(url), data=body, headers=headers, allow_redirects=False)


async def read(response: aiohttp.ClientResponse, take: Callable[[bytes], bool]) -> None:
    """Pass the body of a response to `take` as it arrives, until that returns False.

    `take` is called from the callback that reads from the socket: no task is woken for each token.
    Raises one of `ERRORS` if the connection or its framing breaks, and what `take` raises.
    """
    connection = response.connection
    protocol = None if connection is None else connection.protocol
    if not isinstance(protocol, Connection):
        # It has all arrived with the headers.
        async for data in response.content.iter_any():
            if not take(data):
                return
        return
    reading = _Reading(response.content, take)
    protocol.on_read = on_read = reading.on_read
    try:
        on_read()
        await reading.done
    finally:
        # After the end, the connection may already carry another response.
        if protocol.on_read is on_read:
            protocol.on_read = None


async def release(
    response: aiohttp.ClientResponse, ending: set[aiohttp.ClientResponse], *, finished: bool
) -> None:
    """Return a connection to the pool, or close it if the body of its response has not ended.

    If the last event has arrived (`finished`), the end of the body usually comes with the next
    packet. Until then, the response is in `ending`; aiohttp returns its connection to the pool.
    """
    if not finished or response.content.is_eof():
        response.release()
        await response.wait_for_close()
        return

    def on_end() -> None:
        timer.cancel()
        ending.discard(response)

    def give_up() -> None:
        ending.discard(response)
        response.close()

    timer = asyncio.get_running_loop().call_later(_END_SECONDS, give_up)
    ending.add(response)
    response.content.on_eof(on_end)


async def get(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], seconds: float
) -> aiohttp.ClientResponse:
    """Send a GET request and return the response. `seconds` limits the call, including the body."""
    return await session.get(
        _as_signed(url),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=seconds),
        allow_redirects=False,
    )


def _as_signed(url: str) -> URL:
    """Return the URL without re-encoding it, because a signature covers the path's escaping."""
    try:
        return URL(url, encoded=True)
    except ValueError:
        # Omit the URL, which may contain a password.
        raise aiohttp.InvalidURL("base_url") from None
