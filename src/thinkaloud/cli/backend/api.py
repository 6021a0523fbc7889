"""Requests to the API of a server on this machine; its problem documents come back as errors."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import msgspec

from thinkaloud.app.server_address import http_base
from thinkaloud.errors import (
    ConfigurationError,
    Conflict,
    InvalidRequest,
    NotFound,
    StoreError,
    ThinkaloudError,
    Unavailable,
)

_CONNECTING_SECONDS: Final = 5.0
_SILENT_SECONDS: Final = 120.0
"""A stream has heartbeats; one that is silent for this long is dead."""


class _Problem(msgspec.Struct, frozen=True):
    detail: str
    code: str | None = None


class Api:
    """The API of one server. Raises `Unavailable` where it does not answer."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.url = url
        """Where the server is now: scheme, host and port. It may come back elsewhere."""
        self._session = session

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> bytes:
        """Return the body of an answer. `path` is below `/api/v1`.

        Raises what the server's problem document says.
        """
        try:
            async with self._session.request(
                method, self._address(path), params=query, json=body, allow_redirects=False
            ) as response:
                data = await response.read()
        except (TimeoutError, aiohttp.ClientError) as error:
            raise self._gone(error) from error
        if response.status >= 300:
            raise problem(response.status, data)
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
        """Open an answer to be read as it comes. Raises as `ask`; reading it as aiohttp does."""
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECTING_SECONDS, sock_read=_SILENT_SECONDS
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
            raise self._gone(error) from error
        async with response:
            if response.status >= 300:
                raise problem(response.status, data)
            yield response

    def _address(self, path: str) -> str:
        return f"{http_base(self.url)}/api/v1/{path}"

    def _gone(self, error: Exception) -> Unavailable:
        return Unavailable(f"The server at {self.url} does not answer: {error}")


def problem(status: int, data: bytes) -> ThinkaloudError:
    """Return the error that an answer of this status stands for."""
    try:
        said = msgspec.json.decode(data, type=_Problem)
    except msgspec.MsgspecError:
        said = _Problem(f"The server answered with status {status}.")
    match status, said.code:
        case _, "configuration":
            return ConfigurationError(said.detail)
        case _, "shutting_down" | "busy":
            return Unavailable(said.detail)
        case 404, _:
            return NotFound(said.detail)
        case 409, _:
            return Conflict(said.detail)
        case ((400 | 413 | 415 | 422), _):
            return InvalidRequest(said.detail)
        case _:
            return StoreError(said.detail)
