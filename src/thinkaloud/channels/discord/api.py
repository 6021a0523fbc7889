"""Calls to Discord's REST API, with its rate limits and errors translated into the layer's.

discord.py's own limiter waits inside a call, so that an answer would wait behind the updates before
it. Here a call that doesn't fit is refused at once, with the time to wait.
"""

import asyncio
import io
from collections.abc import Mapping
from typing import Any, Final, cast

import aiohttp
import msgspec
from yarl import URL

from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import (
    PlatformError,
    Rejected,
    RetryLater,
    RetryScope,
    Transient,
    network_reason,
)
from thinkaloud.channels.platform.message import Fetch
from thinkaloud.channels.platform.platform import Budget, Pace
from thinkaloud.ports.clock import Clock

Json = dict[str, Any]

GLOBAL: Final = Budget("global", capacity=45, per_seconds=1.0)
"""Discord allows a bot 50 calls per second; typing and set-up have the rest."""

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
_DOWNLOAD_TIMEOUT: Final = aiohttp.ClientTimeout(total=100)
_USER_AGENT: Final = "DiscordBot (thinkaloud, 1)"
_BAN_SECONDS: Final = 60.0
_MAX_BUCKETS: Final = 4096
_CHUNK: Final = 65_536
_MEDIA_HOSTS: Final = (".discordapp.com", ".discordapp.net", ".discord.com")
_UNKNOWN_MESSAGE: Final = 10008


class Unauthorized(Transient):
    """Discord doesn't accept the token."""


class MessageGone(Rejected):
    """Somebody has deleted the message to edit."""


class NotFound(Rejected):
    """There is no such thing, or no such method."""


class _Bucket(msgspec.Struct):
    """What the last response said about a route and its channel."""

    remaining: int
    reset_ms: int


class Api:
    """The REST API for one token."""

    def __init__(self, token: str, base: str, clock: Clock, pace: Pace) -> None:
        self._token = token
        self._base = base.rstrip("/")
        self._clock = clock
        self._pace = pace
        self._session: aiohttp.ClientSession | None = None
        self._buckets: dict[str, _Bucket] = {}
        self._names: dict[str, str] = {}
        """The names that Discord gives to the limits of routes: several may share one."""

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        file: Document | None = None,
        final: bool = False,
    ) -> Json:
        """Call a method, with a file if given, and return its response; an empty object if there is none.

        Raises `RetryLater` (also without a call, if the limit is known to be used up), `Transient`
        or `Rejected`, or a subclass of this module.
        """
        answer = await self.request(method, path, body, file=file, final=final)
        return cast("Json", answer or {})

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        file: Document | None = None,
        final: bool = False,
    ) -> object:
        """Call a method and return the decoded response. Raises as `call`."""
        interaction = path.startswith(("/interactions/", "/webhooks/"))
        route, channel = _route(method, path)
        bucket = self._names.get(route, route) + channel
        if not interaction:
            self._check(bucket)
            await self._pace.spend(GLOBAL.name, final=final)
            self._take(bucket)
        headers = {"User-Agent": _USER_AGENT}
        if not interaction:
            headers["Authorization"] = f"Bot {self._token}"
        data: bytes | aiohttp.FormData | None = None
        if file is not None:
            data = _form(body, file)
        elif body is not None:
            headers["Content-Type"] = "application/json"
            data = msgspec.json.encode(body)
        what = f"{method} {_shown(path)}"
        try:
            async with self._open().request(
                method, self._base + path, data=data, headers=headers, timeout=_TIMEOUT
            ) as response:
                raw = await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            # The text of the error isn't used: the address of an interaction has its token.
            raise Transient(f"{what}: {network_reason(error)}") from None
        self._names[route] = response.headers.get("X-RateLimit-Bucket", route)
        self._note(self._names[route] + channel, response.headers)
        answer = _decoded(raw)
        if response.status < 300:
            if raw and answer is None:
                raise Transient(f"{what}: the answer is not JSON")
            return answer
        details: Json = cast("Json", answer) if isinstance(answer, dict) else {}
        raise _error(what, response.status, response.headers, details)

    def download(self, url: str) -> Fetch:
        """Return the function that downloads an attachment."""

        async def fetch(most: int) -> bytes:
            self._check_host(url)
            content = bytearray()
            try:
                async with self._open().get(
                    url, timeout=_DOWNLOAD_TIMEOUT, allow_redirects=False
                ) as response:
                    if response.status != 200:
                        raise Rejected(f"Discord answered with status {response.status}")
                    async for chunk in response.content.iter_chunked(_CHUNK):
                        content += chunk
                        if len(content) > most:
                            raise Rejected(f"it has more than {most:,} bytes")
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                raise Transient(f"the download failed: {type(error).__name__}") from None
            return bytes(content)

        return fetch

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _check(self, key: str) -> None:
        bucket = self._buckets.get(key)
        if bucket is None or bucket.remaining > 0:
            return
        wait_ms = bucket.reset_ms - self._clock.steady_ms()
        if wait_ms > 0:
            raise RetryLater(wait_ms / 1000)

    def _take(self, key: str) -> None:
        self._check(key)
        bucket = self._buckets.get(key)
        if bucket is not None:
            bucket.remaining -= 1

    def _note(self, key: str, headers: Mapping[str, str]) -> None:
        remaining = headers.get("X-RateLimit-Remaining", "")
        after = _number(headers.get("X-RateLimit-Reset-After"))
        if not remaining.isdigit() or after is None:
            return
        now = self._clock.steady_ms()
        if len(self._buckets) >= _MAX_BUCKETS:
            self._buckets = {k: each for k, each in self._buckets.items() if each.reset_ms > now}
        self._buckets[key] = _Bucket(int(remaining), now + int(after * 1000) + 1)

    def _check_host(self, url: str) -> None:
        try:
            host = URL(url).host or ""
        except ValueError:
            host = ""
        if host != URL(self._base).host and not host.endswith(_MEDIA_HOSTS):
            raise Rejected("the file is not on a server of Discord")


def _form(body: object, file: Document) -> aiohttp.FormData:
    """Source: https://discord.com/developers/docs/reference#uploading-files"""
    form = aiohttp.FormData()
    payload = msgspec.json.encode(body).decode()
    form.add_field("payload_json", payload, content_type="application/json")
    form.add_field(
        "files[0]", io.BytesIO(file.data), content_type=file.media_type, filename=file.name
    )
    return form


def _route(method: str, path: str) -> tuple[str, str]:
    """Return a route without its ids, and the channel, which has limits of its own.

    Edits of all messages of a channel share one limit.
    """
    parts = path.partition("?")[0].split("/")
    channel = parts[2] if parts[1] == "channels" else ""
    names = ["*" if any(c.isdigit() for c in part) or len(part) > 30 else part for part in parts]
    return f"{method} {'/'.join(names)}", channel


def _shown(path: str) -> str:
    """Return a path for messages, without the token of an interaction."""
    return "/".join(["…" if len(part) > 30 else part for part in path.split("/")])


def _decoded(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw) if raw else None
    except msgspec.DecodeError:
        return None


def _number(text: object) -> float | None:
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        return None


def _error(
    what: str, status: int, headers: Mapping[str, str], details: Mapping[str, Any]
) -> PlatformError:
    code = details.get("code", 0)
    text = f"{what}: status {status}, code {code}: {str(details.get('message', ''))[:200]}"
    if status == 429:
        return _limited(headers, details)
    if status == 401:
        return Unauthorized("the token is not accepted")
    if status >= 500 or status == 408 or (status == 403 and not details):
        return Transient(text)
    if code == _UNKNOWN_MESSAGE:
        return MessageGone(text)
    return NotFound(text) if status == 404 else Rejected(text)


def _limited(headers: Mapping[str, str], details: Mapping[str, Any]) -> RetryLater:
    """Without JSON it comes from Cloudflare, which blocks the whole address."""
    after = _number(details.get("retry_after"))
    everything = details.get("global") is True or after is None
    if after is None:
        after = _number(headers.get("Retry-After"))
    scope: RetryScope = "channel" if everything else "chat"
    return RetryLater(_BAN_SECONDS if after is None else after, scope)
