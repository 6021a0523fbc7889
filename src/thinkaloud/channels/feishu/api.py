"""Calls Feishu's API, and turns its errors into those of the layer.

This is not the SDK's client: its asynchronous calls fetch the tenant token with a blocking request, open a new connection
each time and keep a revoked token. Error codes: https://open.feishu.cn/document/server-docs/getting-started/server-error-codes
"""

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import aiohttp
from typing_extensions import override

from thinkaloud.channels.platform.content import one_line
from thinkaloud.channels.platform.errors import (
    Misconfigured,
    PlatformError,
    Rejected,
    RetryLater,
    RetryScope,
    Transient,
    network_reason,
)
from thinkaloud.channels.platform.message import Fetch
from thinkaloud.ports.clock import Clock

Json = Mapping[str, Any]
Body = Json | aiohttp.FormData | None

TIMEOUT: Final = aiohttp.ClientTimeout(total=30, connect=10)
_SOONER_MS: Final = 10 * 60 * 1000
"""How long before its end a token is renewed; a new one is only issued in its last 30 minutes."""
_STALE_TOKEN: Final = {99991661, 99991663, 99991664, 99991665, 99991668, 99991671, 99991677}
_LIMITS: Final[Mapping[int, RetryScope]] = {
    99991400: "channel",  # the app calls this method too often
    230020: "chat",  # five messages a second for each person and each group
    11232: "chat",
    11233: "channel",
    11247: "chat",
}
_TEMPORARY: Final = {1, 2200, 10101, 99991500, 99991641, 1000040343, 1500000, 230049, 300000}
_CREDENTIALS: Final = {10003, 10005, 10012, 10013, 10014, 10015, 99991543, 1000040345, 1000040346}
MISSING_SCOPE: Final = 99991672
_NO_BOT: Final = {230006, 99991662}
_BLOCK: Final = 64 * 1024


class Refusal(Rejected):
    """Feishu answered with an error code, and will again."""

    def __init__(self, call: str, code: int, message: str) -> None:
        super().__init__(f"Feishu refuses {call}: {code} {message}".rstrip())
        self.code = code


class Unauthorized(Transient):
    """Feishu doesn't accept the app's credentials: what was refused can be sent once there are others."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class FeishuApi:
    """One app in one tenant."""

    def __init__(self, domain: str, app_id: str, secret: str, clock: Clock) -> None:
        self._domain = domain.rstrip("/")
        self._app_id = app_id
        self._secret = secret
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._token = ""
        self._expires_ms = 0
        self._renewing = asyncio.Lock()

    @override
    def __repr__(self) -> str:
        """Without the secret."""
        return f"FeishuApi({self._domain!r}, {self._app_id!r})"

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections. Raises `Transient` once they are closed."""
        if self._closed:
            raise Transient("the channel is closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self, method: str, path: str, body: Json | None = None, **query: str
    ) -> Mapping[str, Any]:
        """Call a method and return its answer.

        Raises `RetryLater`, `Transient`, `Unauthorized` or `Refusal`.
        """
        for attempt in range(2):
            headers = {"Authorization": f"Bearer {await self._tenant_token()}"}
            try:
                return await self._request(method, path, body, headers, query)
            except Refusal as refusal:
                if refusal.code not in _STALE_TOKEN or attempt:
                    raise
                self._token = ""
        raise AssertionError

    async def upload(self, name: str, data: bytes) -> str:
        """Upload a file and return its key for a message. Raises as `call`.

        Source: https://open.feishu.cn/document/server-docs/im-v1/file/create
        """
        path = "/open-apis/im/v1/files"
        for attempt in range(2):
            form = aiohttp.FormData({"file_type": "stream", "file_name": name})
            form.add_field("file", io.BytesIO(data), filename=name)
            headers = {"Authorization": f"Bearer {await self._tenant_token()}"}
            try:
                answer = await self._request("POST", path, form, headers, {})
            except Refusal as refusal:
                if refusal.code not in _STALE_TOKEN or attempt:
                    raise
                self._token = ""
            else:
                return str(answer["data"]["file_key"])
        raise AssertionError

    async def connection_address(self) -> Json:
        """Return the address and the settings of a new long connection. Raises also `Misconfigured`."""
        body = {"AppID": self._app_id, "AppSecret": self._secret}
        try:
            answer = await self._request("POST", "/callback/ws/endpoint", body, {}, {})
        except Refusal as refusal:
            raise self._misconfigured(refusal) from None
        data = answer.get("data")
        if not isinstance(data, dict) or not cast("Json", data).get("URL"):
            raise Transient("Feishu names no address for the long connection")
        return cast("Json", data)

    async def identify(self) -> tuple[str, str]:
        """Return the bot's open_id and its name. Raises also `Misconfigured`."""
        try:
            answer = await self.call("GET", "/open-apis/bot/v3/info")
        except Unauthorized as error:
            raise self._misconfigured(error.refusal) from None
        except Refusal as refusal:
            raise self._misconfigured(refusal) from None
        bot = cast("Json", answer.get("bot") or {})
        if not bot.get("open_id"):
            raise Misconfigured("The app has no bot: add the bot feature and publish a version.")
        return str(bot["open_id"]), str(bot.get("app_name") or "")

    def fetch_of(self, message_id: str, key: str, kind: str) -> Fetch:
        """Return what downloads a file of a message. `kind`: `image` or `file`."""

        async def fetch(most: int) -> bytes:
            path = f"/open-apis/im/v1/messages/{message_id}/resources/{key}"
            headers = {"Authorization": f"Bearer {await self._tenant_token()}"}
            async with self._response("GET", path, None, headers, {"type": kind}) as response:
                if response.status != 200:
                    raise _failure("the file", response, await response.read())
                data = bytearray()
                async for block in response.content.iter_chunked(_BLOCK):
                    data += block
                    if len(data) > most:
                        raise Rejected(f"it has more than {most:,} bytes.")
                return bytes(data)

        return fetch

    async def _tenant_token(self) -> str:
        async with self._renewing:
            if self._token and self._clock.steady_ms() < self._expires_ms - _SOONER_MS:
                return self._token
            path = "/open-apis/auth/v3/tenant_access_token/internal"
            body = {"app_id": self._app_id, "app_secret": self._secret}
            try:
                answer = await self._request("POST", path, body, {}, {})
            except Refusal as refusal:
                raise Unauthorized(refusal) from None
            token = answer.get("tenant_access_token")
            if not isinstance(token, str) or not token:
                raise Transient("Feishu answers without a tenant token")
            self._token = token
            lasts_ms = int(answer.get("expire") or 0) * 1000
            self._expires_ms = self._clock.steady_ms() + max(lasts_ms, _SOONER_MS + 60_000)
            return token

    async def _request(
        self, method: str, path: str, body: Body, headers: Json, query: Mapping[str, str]
    ) -> Json:
        async with self._response(method, path, body, headers, query) as response:
            data = await response.read()
            answer = _answer(data)
            if response.status == 200 and answer is not None and answer.get("code") == 0:
                return answer
            raise _failure(_named(method, path), response, data)

    @asynccontextmanager
    async def _response(
        self, method: str, path: str, body: Body, headers: Json, query: Mapping[str, str]
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        data: bytes | aiohttp.FormData | None
        if isinstance(body, aiohttp.FormData):
            data = body
        else:
            data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
            headers = {"Content-Type": "application/json; charset=utf-8", **headers}
        address = self._domain + path
        try:
            async with self.session.request(
                method, address, data=data, headers=headers, params=query, allow_redirects=False
            ) as response:
                yield response
        except TimeoutError:
            raise Transient(f"{_named(method, path)}: no answer in time") from None
        except aiohttp.ClientError as error:
            # Its text may have the address, which is not secret, but never the headers.
            raise Transient(f"{_named(method, path)}: {network_reason(error)}") from None

    def _misconfigured(self, refusal: Refusal) -> PlatformError:
        if refusal.code in _CREDENTIALS:
            return Misconfigured(
                f"Feishu does not accept the app id {self._app_id} with this secret: copy both again"
                " from the page Credentials & Basic Info."
            )
        if refusal.code in _NO_BOT:
            return Misconfigured("The app has no bot: add the bot feature and publish a version.")
        return Misconfigured(refusal.message)


def _answer(data: bytes) -> Json | None:
    try:
        answer: object = json.loads(data)
    except ValueError:
        return None
    return cast("Json", answer) if isinstance(answer, dict) else None


def _named(method: str, path: str) -> str:
    """Return a call's name for errors: without ids."""
    words = [
        word
        for word in path.split("/")
        if word and word != "open-apis" and not any(c.isdigit() for c in word[3:])
    ]
    return f"{method} {'/'.join(words)}"


def _failure(call: str, response: aiohttp.ClientResponse, data: bytes) -> PlatformError:
    """Return the error for an answer that is not a success, whatever its shape."""
    answer = _answer(data) or {}
    code = answer.get("code")
    code = code if isinstance(code, int) else 0
    scope = _LIMITS.get(code)
    if response.status == 429 or scope is not None:
        return RetryLater(_wait_seconds(response), scope or "channel")
    if response.status >= 500 or code in _TEMPORARY:
        return Transient(f"{call}: status {response.status}, code {code}")
    if response.status == 200 and not answer:
        return Transient(f"{call}: the answer is not JSON")
    if code == MISSING_SCOPE:
        return Refusal(call, code, f"missing scope, add one of: {_scopes(answer)}")
    return Refusal(call, code or response.status, one_line(str(answer.get("msg") or ""), 200))


def _scopes(answer: Json) -> str:
    error = answer.get("error")
    found: object = (
        cast("Json", error).get("permission_violations") if isinstance(error, dict) else 0
    )
    if not isinstance(found, list):
        return one_line(str(answer.get("msg") or ""), 200)
    subjects = [each.get("subject") for each in cast("list[Json]", found)]
    return one_line(", ".join([str(each) for each in subjects if each]), 200)


def _wait_seconds(response: aiohttp.ClientResponse) -> float:
    for name in ("x-ogw-ratelimit-reset", "Retry-After"):
        try:
            return min(3600.0, max(0.1, float(response.headers[name])))
        except (KeyError, ValueError):
            continue
    return 1.0
