"""An HTTP client for the API of a local server. Problem documents become exceptions."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import msgspec

from thinkaloud.errors import (
    ConfigurationError,
    Conflict,
    InvalidRequest,
    NotFound,
    StoreError,
    ThinkaloudError,
    Unavailable,
)
from thinkaloud.server.connections.unix_socket import http_base

_CONNECT_SECONDS: Final = 5.0
_READ_SECONDS: Final = 120.0
"""Streams have heartbeats: one that is silent for this long is dead."""


class _Problem(msgspec.Struct, frozen=True):
    detail: str
    code: str | None = None


class Api:
    """A client of one server. Raises `Unavailable` if the server does not respond."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.url = url
        """The server's current URL. It may change when the server restarts."""
        self._session = session

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> bytes:
        """Send a request and return the response body. `path` is relative to `/api/v1/`.

        Raises the error described by the server's problem document.
        """
        try:
            async with self._session.request(
                method, self._address(path), params=query, json=body, allow_redirects=False
            ) as response:
                data = await response.read()
        except (TimeoutError, aiohttp.ClientError) as error:
            raise self._unreachable(error) from error
        if response.status >= 300:
            raise error_for(response.status, data)
        return data

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Open a streaming response. Raises as `ask`; reading the response raises aiohttp's errors."""
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS
        )
        try:
            response = await self._session.request(
                method,
                self._address(path),
                params=query,
                json=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            )
            data = b"" if response.status < 300 else await response.read()
        except (TimeoutError, aiohttp.ClientError) as error:
            raise self._unreachable(error) from error
        async with response:
            if response.status >= 300:
                raise error_for(response.status, data)
            yield response

    def _address(self, path: str) -> str:
        return f"{http_base(self.url)}/api/v1/{path}"

    def _unreachable(self, error: Exception) -> Unavailable:
        return Unavailable(f"The server at {self.url} does not respond: {error}")


def error_for(status: int, data: bytes) -> ThinkaloudError:
    """Return the error for a response with this status and body."""
    try:
        problem = msgspec.json.decode(data, type=_Problem)
    except msgspec.MsgspecError:
        problem = _Problem(f"The server responded with status {status}.")
    match status, problem.code:
        case _, "configuration":
            return ConfigurationError(problem.detail)
        case _, "shutting_down" | "busy":
            return Unavailable(problem.detail)
        case 404, _:
            return NotFound(problem.detail)
        case 409, _:
            return Conflict(problem.detail)
        case ((400 | 413 | 415 | 422), _):
            return InvalidRequest(problem.detail)
        case _:
            return StoreError(problem.detail)
