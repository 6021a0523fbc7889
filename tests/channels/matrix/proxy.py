"""A proxy between the channel and the homeserver: records requests, and fails calls on demand."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import unquote

import aiohttp
import msgspec
from aiohttp import web

from tests.channels.matrix.homeserver import FORWARDED, Homeserver
from tests.channels.platform.gate import Gate

SEND = "/send/"


class Fault(msgspec.Struct, frozen=True):
    """How a call fails."""

    status: int = 0
    retry_after: float | None = None
    lost: Literal["request", "response"] | None = None
    """The connection breaks before the call has reached the server, or after it."""


class Event(msgspec.Struct, frozen=True):
    """An event that the server has accepted."""

    room_id: str
    event_id: str
    kind: str
    content: dict[str, Any]


class Call(msgspec.Struct, frozen=True):
    """A request of the channel."""

    method: str
    path: str
    body: str
    status: int


class Proxy:
    """The proxy of one test."""

    def __init__(self, server: Homeserver) -> None:
        self.gate = Gate()
        self._server = server
        self._session: aiohttp.ClientSession
        self.base = ""
        self.calls: list[Call] = []
        self.received: list[str] = []
        """All requests as text, also those that failed."""
        self.events: list[Event] = []
        self.faults: list[Fault] = []
        """For the next messages."""
        self.changed = asyncio.Condition()
        self.since: str | None = None
        """From where the channel reads at the moment."""
        self.handled = ""
        """All that the channel has received by syncing, as far as it has asked for more."""
        self._received = ""
        self._rewind: str | None = None
        self._syncs: list[web.Request] = []

    def deliver_again(self, since: str | None) -> None:
        """Break the connection, and let the next sync start at an earlier position."""
        self._rewind = since
        for request in self._syncs:
            if request.transport is not None:
                request.transport.abort()

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """Serve on a port of this machine."""
        app = web.Application(client_max_size=100_000_000, middlewares=[self.gate.middleware])
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        connector = aiohttp.UnixConnector(self._server.socket)
        async with aiohttp.ClientSession(connector=connector) as self._session:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.base = site.name
            port = runner.addresses[0][1]
            self.base = f"http://127.0.0.1:{port}"
            try:
                yield
            finally:
                await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        text = body.decode("utf-8", "replace")
        path = unquote(request.path)
        self.received.append(f"{request.method} {request.path_qs} {text}")
        fault = self.faults.pop(0) if SEND in path and self.faults else Fault()
        if path.endswith("/sync"):
            self._syncs.append(request)
        try:
            response = await self._answer(request, body, fault)
            self.calls.append(Call(request.method, path, text, response.status))
            return response
        finally:
            self._syncs = [each for each in self._syncs if each is not request]
            await self._notify()

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def _answer(self, request: web.Request, body: bytes, fault: Fault) -> web.Response:
        assert request.transport is not None
        if fault.status == 429:
            seconds = fault.retry_after or 1.0
            content = {
                "errcode": "M_LIMIT_EXCEEDED",
                "error": "Too Many Requests",
                "retry_after_ms": int(seconds * 1000),
            }
            return web.json_response(content, status=429)
        if fault.status:
            return web.Response(
                text="<h1>Bad gateway</h1>", status=fault.status, content_type="text/html"
            )
        if fault.lost == "request":
            request.transport.abort()
            return web.Response()
        response = await self._forward(request, body)
        if fault.lost == "response":
            request.transport.abort()
        return response

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        query = dict(request.query)
        if request.path.endswith("/sync"):
            if self._rewind is not None:
                query |= {"since": self._rewind, "timeout": "0"}
                self._rewind = None
            self.since = query.get("since", self.since)
            self.handled += self._received
            self._received = ""
            await self._notify()
        headers = FORWARDED | {
            name: value
            for name, value in request.headers.items()
            if name.lower() in {"authorization", "content-type"}
        }
        async with self._session.request(
            request.method,
            f"http://localhost{request.path}",
            params=query,
            headers=headers,
            data=body or None,
        ) as response:
            content = await response.read()
            if request.path.endswith("/sync"):
                self._received += content.decode()
            if response.status == 200 and SEND in request.path:
                self._note(request, body, content)
            return web.Response(
                body=content, status=response.status, content_type=response.content_type
            )

    def _note(self, request: web.Request, body: bytes, content: bytes) -> None:
        """Note an event. The same transaction sent again is the same event."""
        parts = unquote(request.path).split("/")
        event_id = msgspec.json.decode(content)["event_id"]
        if all(event.event_id != event_id for event in self.events):
            decoded = msgspec.json.decode(body)
            self.events.append(Event(parts[5], event_id, parts[7], decoded))
