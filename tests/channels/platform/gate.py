"""Lets a channel crash at any of its calls, in the fake servers."""

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

_UNCOUNTED: Final = (
    *(
        "getupdates",
        "/sync",
        "/ws",
        "/link",
        "/gw/",
        "connections.open",
        "auth.test",
        "access_token",
    ),
    *("typing", "chataction", "setstatus", "reactions", "/keys/", "notify"),
)
"""Parts of addresses: connections, and calls that show only that the bot works."""


class Gate:
    """Counts the calls that show something. Each has two points: before it is carried out, and after."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        """Set when the point is reached. What comes after it waits: no response arrives."""
        self._released = asyncio.Event()
        self._at = 0
        self._points = 0

    def arm(self, at: int) -> None:
        """Stop at this point, counted from 1: odd numbers are before a call, even ones after it."""
        self._at, self._points = at, 0
        self.reached.clear()
        self._released = asyncio.Event()

    def disarm(self) -> None:
        """Let all later calls through, and end those that wait."""
        self._at = 0
        self._released.set()

    async def point(self) -> None:
        """Pass, or wait until the crash is over. Then the connection is gone, too."""
        if not self._at:
            return
        self._points += 1
        if self._points >= self._at:
            self.reached.set()
            await self._released.wait()
            raise ConnectionResetError

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count the calls of an aiohttp server."""
        if any(part in request.path.lower() for part in _UNCOUNTED):
            return await handler(request)
        try:
            await self.point()
            response = await handler(request)
            await self.point()
        except ConnectionResetError:
            return web.Response(status=500)  # Nobody reads it.
        return response
