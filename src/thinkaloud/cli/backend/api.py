"""An HTTP client for the API of a local server. Problem documents become exceptions."""

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import msgspec

from thinkaloud.app.server_address import API_KEY, ServerAddress
from thinkaloud.app.server_session import key_header
from thinkaloud.auth.carriers.local_key import OWNER_HEADER
from thinkaloud.errors import (
    ConfigurationError,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    StoreError,
    ThinkaloudError,
    Unauthorized,
    Unavailable,
)
from thinkaloud.server.connections.unix_socket import http_base

_OWNER_HEADER: Final = OWNER_HEADER.decode("ascii")
_CONNECT_SECONDS: Final = 5.0
_READ_SECONDS: Final = 120.0
"""Streams have heartbeats: one that is silent for this long is dead."""
_BY_STATUS: Final[Mapping[int, type[ThinkaloudError]]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    **dict.fromkeys((400, 413, 415, 422), InvalidRequest),
}


class _Problem(msgspec.Struct, frozen=True):
    detail: str
    code: str | None = None
    retry_after: float | None = None

    @property
    def message(self) -> str:
        """The detail, and what to do."""
        match self.code:
            case "unauthorized":
                return f"{self.detail} Check {API_KEY}, or unset it to use the server's local key."
            case "forbidden":
                return f"{self.detail} `thinkaloud whoami` shows what your key permits."
            case "rate_limited" | "budget_spent" if self.retry_after is not None:
                return f"{self.detail} Try again in {_duration(self.retry_after)}."
            case _:
                return self.detail


class Api:
    """A client of one server. Raises `Unavailable` if the server does not respond."""

    def __init__(self, session: aiohttp.ClientSession, address: ServerAddress) -> None:
        self.address = address
        """The server's current URL, key and owner. They may change when the server restarts."""
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
        return await self._request(method, path, query=query, json=body)

    async def upload(self, name: str, data: bytes) -> bytes:
        """Upload a file and return the response body. Raises as `ask`."""
        form = aiohttp.FormData()
        form.add_field("file", data, filename=name)
        return await self._request("POST", "upload", form=form)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
        form: aiohttp.FormData | None = None,
    ) -> bytes:
        try:
            async with self._session.request(
                method,
                self._address(path),
                params=query,
                json=json,
                data=form,
                headers=self._headers(),
                allow_redirects=False,
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
                headers={**self._headers(), **(headers or {})},
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

    def _headers(self) -> dict[str, str]:
        headers = key_header(self.address.key)
        if self.address.owner is not None:
            headers[_OWNER_HEADER] = self.address.owner
        return headers

    def _address(self, path: str) -> str:
        return f"{http_base(self.address.url)}/api/v1/{path}"

    def _unreachable(self, error: Exception) -> Unavailable:
        return Unavailable(f"The server at {self.address.url} does not respond: {error}")


def error_for(status: int, data: bytes) -> ThinkaloudError:
    """Return the error for a response with this status and body."""
    try:
        problem = msgspec.json.decode(data, type=_Problem)
    except msgspec.MsgspecError:
        problem = _Problem(f"The server responded with status {status}.")
    return _kind(status, problem.code)(problem.message)


def _duration(seconds: float) -> str:
    whole = max(1, math.ceil(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h {whole % 3600 // 60} min"


def _kind(status: int, code: str | None) -> type[ThinkaloudError]:
    by_code: dict[str | None, type[ThinkaloudError]] = {
        "configuration": ConfigurationError,
        "shutting_down": Unavailable,
        "busy": Unavailable,
        "rate_limited": Unavailable,
        "budget_spent": Unavailable,
    }
    return by_code.get(code) or _BY_STATUS.get(status, StoreError)
