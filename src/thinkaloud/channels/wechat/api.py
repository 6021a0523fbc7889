"""Calls to the iLink API, with its errors translated into the layer's.

Messages of errors contain neither the token nor anything that people wrote.
"""

import base64
import secrets
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

import msgspec
from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
)
from typing_extensions import override

from thinkaloud.channels.platform.content import one_line
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient, network_reason
from thinkaloud.channels.wechat.protocol import STALE, THROTTLED, Reply
from thinkaloud.version import __version__

R = TypeVar("R", bound=Reply)
S = TypeVar("S", bound=msgspec.Struct)

PROTOCOL: Final = (2, 4, 9)
"""The version of Tencent's own client whose protocol this is."""
_SECONDS: Final = 15.0
_CONNECT_SECONDS: Final = 10.0
_MAX_BYTES: Final = 8_000_000
_THROTTLED_SECONDS: Final = 2.0
_BASE_INFO: Final = {
    "channel_version": ".".join(map(str, PROTOCOL)),
    "bot_agent": f"thinkaloud/{__version__}",
}
_REDIRECTS: Final = range(300, 400)
_DENIED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class StaleLogin(Transient):
    """The token is not valid any more."""


class Throttled(RetryLater):
    """Too many messages, or a context token that was used up: the API doesn't say which."""


class TimedOut(Transient):
    """No response in time."""


class Api:
    """The API for one token, or for none before the login."""

    def __init__(self, base: str, token: str = "") -> None:
        self.base = base.rstrip("/")
        self._token = token
        self._session: ClientSession | None = None

    @override
    def __repr__(self) -> str:
        """Without the token."""
        return f"Api({self.base!r})"

    async def post(
        self,
        path: str,
        body: Mapping[str, Any],
        kind: type[R],
        *,
        seconds: float = _SECONDS,
    ) -> R:
        """Call a method. Raises `StaleLogin`, `Throttled`, `RetryLater`, `Transient` or `Rejected`."""
        headers = {
            "Content-Type": "application/json",
            "AuthorizationType": "ilink_bot_token",
            "X-WECHAT-UIN": _random_uin(),
            **_COMMON,
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = msgspec.json.encode({**body, "base_info": _BASE_INFO})
        request = self.session().post(
            self._address(path),
            headers=headers,
            data=data,
            timeout=ClientTimeout(seconds, sock_connect=_CONNECT_SECONDS),
            allow_redirects=False,
        )
        return await self._call(request, path, kind)

    async def get(
        self, path: str, query: Mapping[str, str], kind: type[R], *, seconds: float = _SECONDS
    ) -> R:
        """Call a method that needs no token."""
        request = self.session().get(
            self._address(path),
            headers=_COMMON,
            params=query,
            timeout=ClientTimeout(seconds, sock_connect=_CONNECT_SECONDS),
            allow_redirects=False,
        )
        return await self._call(request, path, kind)

    async def download(self, url: str, most: int, *, seconds: float = 100.0) -> bytes:
        """Return at most so many bytes, without following redirects. Raises `Rejected` or `Transient`."""
        try:
            async with self.session().get(
                url,
                timeout=ClientTimeout(seconds, sock_connect=_CONNECT_SECONDS),
                allow_redirects=False,
            ) as response:
                _check_status(response, "download")
                return await _read(response, most)
        except (TimeoutError, ClientError) as error:
            raise Transient(f"downloading a file failed: {type(error).__name__}") from None

    async def upload(self, url: str, data: bytes, *, seconds: float = 100.0) -> str:
        """Upload an encrypted file to the CDN and return what identifies it. Raises as `post`."""
        try:
            async with self.session().post(
                url,
                data=data,
                headers={"Content-Type": "application/octet-stream"},
                timeout=ClientTimeout(seconds, sock_connect=_CONNECT_SECONDS),
                allow_redirects=False,
            ) as response:
                _check_status(response, "upload")
                found = response.headers.get("x-encrypted-param", "")
        except (TimeoutError, ClientError) as error:
            raise Transient(f"uploading a file failed: {type(error).__name__}") from None
        if not found:
            raise Transient("upload: the response was not understood")
        return found

    def session(self) -> ClientSession:
        """Return the session, which is opened with the first call."""
        if self._session is None or self._session.closed:
            self._session = ClientSession(cookie_jar=DummyCookieJar())
        return self._session

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _address(self, path: str) -> str:
        return f"{self.base}/ilink/bot/{path}"

    async def _call(
        self, request: AbstractAsyncContextManager[ClientResponse], path: str, kind: type[R]
    ) -> R:
        name = path.partition("?")[0].rpartition("/")[2]
        try:
            async with request as response:
                _check_status(response, name)
                raw = await _read(response, _MAX_BYTES)
        except ConnectionTimeoutError:
            raise Transient(f"{name}: no connection") from None
        except TimeoutError:
            raise TimedOut(f"{name}: no response") from None
        except ClientError as error:
            raise Transient(f"{name}: {network_reason(error)}") from None
        try:
            reply = converted(msgspec.json.decode(raw or b"{}"), kind)
        except msgspec.MsgspecError:
            raise Transient(f"{name}: the response was not understood") from None
        self._check(reply, name)
        return reply

    def _check(self, reply: Reply, name: str) -> None:
        codes = {reply.ret, reply.errcode}
        if STALE in codes:
            raise StaleLogin(f"{name}: the login is not valid any more")
        if THROTTLED in codes:
            raise Throttled(_THROTTLED_SECONDS)
        if codes != {0}:
            text = one_line(reply.errmsg, 200)
            if self._token:
                text = text.replace(self._token, "***")
            raise Rejected(f"{name}: error {reply.ret or reply.errcode} {text}".rstrip())


def converted(value: object, kind: type[S]) -> S:
    """Convert what WeChat sent: null is the same as nothing, and digits may be in quotation marks.

    Raises `msgspec.ValidationError`.
    """
    return msgspec.convert(_without_nulls(value), kind, strict=False)


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {key: _without_nulls(each) for key, each in items if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in cast("list[object]", value)]
    return value


def _check_status(response: ClientResponse, name: str) -> None:
    status = response.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RetryLater(_seconds(response.headers.get("Retry-After", "")), "channel")
    if status in _DENIED and name not in {"download", "upload"}:
        raise StaleLogin(f"{name}: the token is not accepted (HTTP {status})")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        raise Transient(f"{name}: HTTP {status}")
    if status >= HTTPStatus.BAD_REQUEST or status in _REDIRECTS:
        raise Rejected(f"{name}: HTTP {status}")


async def _read(response: ClientResponse, most: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        content += chunk
        if len(content) > most:
            raise Rejected(f"it has more than {most:,} bytes")
    return bytes(content)


def _seconds(value: str) -> float:
    try:
        return min(3600.0, max(0.1, float(value)))
    except ValueError:
        return 5.0


def _random_uin() -> str:
    """Return the base64 of the digits of a random number, which each call has to have."""
    return base64.b64encode(str(secrets.randbits(32)).encode()).decode()


_COMMON: Final = {
    "iLink-App-Id": "bot",
    "iLink-App-ClientVersion": str(PROTOCOL[0] << 16 | PROTOCOL[1] << 8 | PROTOCOL[2]),
}
