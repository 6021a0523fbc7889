"""Calls the Web API through Slack's library, and turns its errors into those of the layer.

A failed call has many faces: `ok: false` with a name, 429 with `Retry-After`, 5xx with JSON, HTML or plain text (the
library raises, or hands over text where it expects an object), and lost connections.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol, cast
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from thinkaloud.channels.platform.errors import (
    PlatformError,
    Rejected,
    RetryLater,
    Transient,
    network_reason,
)
from thinkaloud.channels.platform.message import Fetch
from thinkaloud.channels.slack.quiet import quiet_logger
from thinkaloud.channels.slack.read import Identity
from thinkaloud.ports.clock import Clock

Json = Mapping[str, Any]
TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
_DEFAULT_WAIT: Final = 30.0
_LIMITED: Final = {"ratelimited", "rate_limited"}
_TEMPORARY: Final = {
    *("internal_error", "fatal_error", "service_unavailable", "request_timeout"),
    *("message_limit_exceeded", "team_added_to_org"),
}


_BAD_TOKEN: Final = frozenset(
    {"account_inactive", "invalid_auth", "token_expired", "token_revoked"}
)


class Refusal(Rejected):
    """The API answered `ok: false` with a name, and will again."""

    def __init__(self, method: str, code: str, needed: str = "") -> None:
        scope = f" (add the scope {needed})" if needed else ""
        super().__init__(f"Slack refuses {method}: {code}{scope}")
        self.code = code


class Unauthorized(Transient):
    """Slack doesn't accept the token: what was refused can be sent once there is another."""

    def __init__(self, method: str, code: str) -> None:
        app_level = method == "apps.connections.open"
        place = (
            "app-level token from Basic Information"
            if app_level
            else "bot token from OAuth & Permissions"
        )
        super().__init__(f"Slack refuses {method}: {code} (copy the {place} again)")


class Lost(Transient):
    """The call may have been performed: its answer was lost."""


class _Answer(Protocol):
    """The part of the library's response in use."""

    data: object
    status_code: int
    headers: Mapping[str, str]


class _Library(Protocol):
    """The part of the library's client in use. Its own types are incomplete."""

    async def api_call(
        self,
        api_method: str,
        *,
        http_verb: str = "POST",
        params: Mapping[str, object] | None = None,
        json: Mapping[str, object] | None = None,
    ) -> _Answer:
        """Call a method. Raises `SlackClientError` and the errors of aiohttp."""
        ...


class SlackApi:
    """One app in one workspace.

    The library's own retries are off: they would repeat a message whose answer was lost.
    """

    def __init__(self, base: str, token: str, clock: Clock) -> None:
        self._base = base
        self._token = token
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None
        self._blocked: dict[str, int] = {}

    def web_client(self) -> AsyncWebClient:
        """Return the client of Slack's library for the token. Call it on the event loop."""
        if self._client is None:
            self._client = AsyncWebClient(
                self._token,
                self._base,
                session=self._connections(),
                retry_handlers=[],
                logger=quiet_logger(),
            )
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = self._client = None

    async def identify(self) -> tuple[Identity, frozenset[str]]:
        """Return who the app is, and its scopes. Raises as `call`."""
        answer = await self._request("auth.test", "POST", {})
        data = cast("Json", answer.data)
        scopes = answer.headers.get("x-oauth-scopes", "")
        names = [str(data.get(name) or "") for name in ("user_id", "bot_id", "team_id", "team")]
        return Identity(*names), frozenset(scopes.replace(" ", "").split(",")) - {""}

    def wait_ms(self, method: str, channel: str = "") -> int:
        """Return for how long Slack asked not to call a method: 0 if not at all."""
        key = _key(method, channel)
        wait = self._blocked.get(key, 0) - self._clock.steady_ms()
        if wait <= 0:
            self._blocked.pop(key, None)
        return max(0, wait)

    async def call(self, method: str, **arguments: object) -> Json:
        """Call a method. Raises `RetryLater`, `Lost`, `Unauthorized`, `Transient` or `Refusal`."""
        if wait := self.wait_ms(method, str(arguments.get("channel", ""))):
            raise RetryLater(wait / 1000)
        return cast("Json", (await self._request(method, "POST", arguments)).data)

    async def read(self, method: str, **arguments: object) -> Json:
        """Call a method that takes a query. Raises as `call`."""
        return cast("Json", (await self._request(method, "GET", arguments)).data)

    async def upload(self, url: str, data: bytes) -> None:
        """Send the content of a file to the address that Slack gave. Raises `Rejected` or `Transient`.

        The address is a secret, and only Slack's own hosts get the file.
        """
        if not self._own(url):
            raise Rejected("Slack names a foreign host for a file.")
        try:
            session = self._connections()
            async with session.post(url, data=data, allow_redirects=False) as response:
                status = response.status
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Transient(f"upload: {type(error).__name__}") from None
        if status >= 500 or status == 429:
            raise Transient(f"upload: HTTP {status}")
        if status != 200:
            raise Rejected(f"upload: HTTP {status}")

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self._session

    async def _request(
        self, method: str, verb: Literal["GET", "POST"], arguments: Mapping[str, object]
    ) -> _Answer:
        library = cast("_Library", self.web_client())
        try:
            if verb == "GET":
                return await library.api_call(method, http_verb=verb, params=arguments)
            return await library.api_call(method, json=arguments)
        except SlackApiError as error:
            raise self._error(method, str(arguments.get("channel", "")), error) from None
        # AttributeError: the library fails on text where it expects an object.
        except (aiohttp.ClientError, TimeoutError, SlackClientError, AttributeError) as error:
            raise Lost(f"{method}: {network_reason(error)}") from None

    def _error(self, method: str, channel: str, error: SlackApiError) -> PlatformError:
        status, data, headers = _parts(error)
        code = str(data.get("error", ""))
        if status == 429 or code in _LIMITED:
            seconds = _seconds(headers.get("Retry-After"))
            until = self._clock.steady_ms() + round(seconds * 1000)
            self._blocked[_key(method, channel)] = until
            return RetryLater(seconds)
        if status >= 500 or not code:
            return Lost(f"{method}: HTTP {status}")
        if code in _BAD_TOKEN:
            return Unauthorized(method, code)
        if code in _TEMPORARY:
            return Transient(f"{method}: {code}")
        return Refusal(method, code, str(data.get("needed", "")))

    def fetch_of(self, url: str) -> Fetch:
        """Return the download of a private file. The token goes to Slack's own hosts only."""

        async def fetch(most: int) -> bytes:
            if not self._own(url):
                raise Rejected("Slack doesn't host the file.")
            headers = {"Authorization": f"Bearer {self._token}"}
            session = self._connections()
            try:
                async with session.get(url, headers=headers, allow_redirects=False) as found:
                    if found.status != 200 or found.content_type == "text/html":
                        raise Rejected("Slack doesn't give the file: is the scope files:read set?")
                    return await _read(found, most)
            except (TimeoutError, aiohttp.ClientError) as error:
                raise Transient(f"download: {type(error).__name__}") from None

        return fetch

    def _own(self, url: str) -> bool:
        found, base = urlsplit(url), urlsplit(self._base)
        if (found.scheme, found.netloc) == (base.scheme, base.netloc):
            return True
        host = found.hostname or ""
        return found.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        content += chunk
        if len(content) > most:
            raise Rejected(f"The file has more than {most} bytes.")
    return bytes(content)


def _key(method: str, channel: str) -> str:
    """What is limited together: posts per channel, all other methods per workspace."""
    return f"{method} {channel}" if method == "chat.postMessage" else method


def _parts(error: SlackApiError) -> tuple[int, Json, Mapping[str, str]]:
    """Return status, body and headers of a failed call, whatever the library made of it."""
    response = cast("object", error.response)
    if isinstance(response, aiohttp.ClientResponse):
        return response.status, {}, response.headers
    answer = cast("_Answer", response)
    body: Json = cast("Json", answer.data) if isinstance(answer.data, Mapping) else {}
    return answer.status_code, body, answer.headers


def _seconds(retry_after: str | None) -> float:
    try:
        return max(1.0, float(retry_after or _DEFAULT_WAIT))
    except ValueError:
        return _DEFAULT_WAIT
