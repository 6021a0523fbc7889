"""Transfers bytes between a model's host and its dialect. Independent of the API format."""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol, cast

import msgspec

from thinkaloud.errors import InvalidRequest, ProviderError
from thinkaloud.events.model import ModelEvent, ModelFailed, ModelFinished
from thinkaloud.events.prompt import ModelRequest
from thinkaloud.ports.model import Dialect, HttpRequest, ListedModel, ModelInfo, failed
from thinkaloud.providers.redaction import Redactor, redact_url
from thinkaloud.providers.refused_parts import RefusedParts
from thinkaloud.providers.rejection import SentRequest, error_text
from thinkaloud.providers.response import StreamedResponse
from thinkaloud.providers.trimming import trimmed

if TYPE_CHECKING:
    import aiohttp

_MAX_ERROR_BYTES: Final = 65_536
_MAX_LIST_BYTES: Final = 16 * 2**20
_LIST_SECONDS: Final = 15.0


class Authentication(Protocol):
    """Authenticates requests to a host."""

    async def headers(self, request: HttpRequest, url: str) -> Mapping[str, str]:
        """Return the headers to add. Raises `ProviderError` (`provider_auth`)."""
        ...

    def scrub(self, text: str) -> str:
        """Return the text with any credentials removed."""
        ...


class _Transport(Protocol):
    """`thinkaloud.providers.transport`."""

    ERRORS: tuple[type[Exception], ...]

    def is_local_url(self, url: str) -> bool: ...

    def new_session(self, *, proxies: bool) -> "aiohttp.ClientSession": ...

    async def post(
        self, session: "aiohttp.ClientSession", url: str, body: bytes, headers: Mapping[str, str]
    ) -> "aiohttp.ClientResponse": ...

    async def read(
        self, response: "aiohttp.ClientResponse", take: Callable[[bytes], bool]
    ) -> None: ...

    async def release(
        self,
        response: "aiohttp.ClientResponse",
        ending: "set[aiohttp.ClientResponse]",
        *,
        finished: bool,
    ) -> None: ...

    async def get(
        self,
        session: "aiohttp.ClientSession",
        url: str,
        headers: Mapping[str, str],
        seconds: float,
    ) -> "aiohttp.ClientResponse": ...


class Sessions:
    """The connection pool shared by all hosts, opened on the first call. `close` it when done."""

    def __init__(self) -> None:
        self._transport: _Transport | None = None
        self._pools: dict[bool, aiohttp.ClientSession] = {}
        self._ending: set[aiohttp.ClientResponse] = set()

    async def prepare(self) -> None:
        """Import the transport without blocking the event loop. A server may call this early."""
        if self._transport is None:
            name = "thinkaloud.providers.transport"
            self._transport = cast(
                "_Transport", await asyncio.to_thread(importlib.import_module, name)
            )

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The exceptions a call may raise if the connection fails."""
        return self._loaded.ERRORS

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> "aiohttp.ClientResponse":
        """Send a POST request; see `thinkaloud.providers.transport.post`."""
        return await self._loaded.post(self._open(url), url, body, headers)

    async def read(self, response: "aiohttp.ClientResponse", take: Callable[[bytes], bool]) -> None:
        """Read the body of a response; see `thinkaloud.providers.transport.read`."""
        await self._loaded.read(response, take)

    async def release(self, response: "aiohttp.ClientResponse", *, finished: bool) -> None:
        """Return its connection to the pool; see `thinkaloud.providers.transport.release`."""
        await self._loaded.release(response, self._ending, finished=finished)

    async def get(
        self, url: str, headers: Mapping[str, str], seconds: float
    ) -> "aiohttp.ClientResponse":
        """Send a GET request; see `thinkaloud.providers.transport.get`."""
        return await self._loaded.get(self._open(url), url, headers, seconds)

    async def close(self) -> None:
        """Close all connections."""
        ending, self._ending = self._ending, set()
        for response in ending:
            response.close()
        pools, self._pools = self._pools, {}
        for session in pools.values():
            await session.close()

    @property
    def _loaded(self) -> _Transport:
        assert self._transport is not None, "prepare() comes first"
        return self._transport

    def _open(self, url: str) -> "aiohttp.ClientSession":
        proxies = not self._loaded.is_local_url(url)
        session = self._pools.get(proxies)
        if session is None:
            session = self._pools[proxies] = self._loaded.new_session(proxies=proxies)
        return session


class HttpModel:
    """One model on one host, called over HTTP."""

    def __init__(
        self,
        info: ModelInfo,
        dialect: Dialect,
        base_url: str,
        authentication: Authentication,
        sessions: Sessions,
    ) -> None:
        self._info = info
        self._dialect = dialect
        self._base_url = base_url
        self._authentication = authentication
        self._sessions = sessions
        self._refused = RefusedParts(dialect.origin)
        self._redactor = Redactor(base_url)

    @property
    def info(self) -> ModelInfo:
        """What the model is and can do."""
        return self._info

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[ModelEvent]]:
        """Call the model. Provider errors are yielded as the last event, not raised."""
        last: list[ModelEvent] = []
        async with self._response(request, last) as response:
            if response is not None:
                async for chunk in response.http.content.iter_any():
                    yield response.feed(chunk)
                    if response.ended:
                        return
                last += response.close()
        if last:
            yield last

    async def push(
        self, request: ModelRequest, take: Callable[[Sequence[ModelEvent]], bool]
    ) -> None:
        """Call the model; see `thinkaloud.ports.model.PushModel`. Errors are its last event."""
        last: list[ModelEvent] = []
        async with self._response(request, last) as response:
            if response is not None:
                await self._sessions.read(response.http, response.feeding(take))
                last += response.close()
        if last:
            take(last)

    @asynccontextmanager
    async def _response(
        self, request: ModelRequest, last: list[ModelEvent]
    ) -> AsyncGenerator[StreamedResponse | None]:
        """Send a request and yield its response; None if it was refused.

        A failure, also one while the response is read, is appended to `last`.
        """
        response: StreamedResponse | None = None
        is_open = False
        await self._sessions.prepare()
        refused = self._refused.refuses_already(request)
        if refused is not None:
            message = "The provider has already rejected this."
            last.append(ModelFailed("provider_bad_request", message, rejected=refused))
            yield None
            return
        try:
            sent = self._sent(request)
            http = await self._send(sent.http)
            try:
                if http.status >= 300:
                    last += self._scrubbed([await self._refusal(http, sent)])
                else:
                    decoder = self._dialect.decoder(http.content_type, sent.request.effort)
                    response = StreamedResponse(
                        http,
                        decoder,
                        self._base_url,
                        lambda events: self._ended(events, request, sent),
                    )
                is_open = True
                yield response
            finally:
                finished = response is not None and response.finished
                await self._sessions.release(http, finished=finished)
        except InvalidRequest as error:
            last += self._scrubbed([ModelFailed("provider_bad_request", error.message)])
        except ProviderError as error:
            last += self._scrubbed([failed(error)])
        except self._sessions.errors as error:
            if response is None:
                last.append(
                    ModelFailed("provider_overloaded", self._unreachable(error), retryable=True)
                )
            else:
                # The decoder knows whether the end marker arrived before the connection dropped.
                last += self._scrubbed(response.close())
        if not is_open:
            yield None

    def _sent(self, request: ModelRequest) -> SentRequest:
        """Encode the request without the parts that this host has already refused."""
        request = self._refused.leave_out(request)
        http = self._dialect.encode(request)
        if request.without:
            http = msgspec.structs.replace(http, body=trimmed(http.body, request.without))
        return SentRequest(request, http, self._dialect.origin)

    async def _send(self, http: HttpRequest) -> "aiohttp.ClientResponse":
        url = address(self._base_url, http.path)
        headers = {"content-type": "application/json"}
        headers.update({name.lower(): value for name, value in http.headers.items()})
        headers.update(await self._authentication.headers(http, url))
        return await self._sessions.post(url, http.body, headers)

    async def _refusal(self, response: "aiohttp.ClientResponse", sent: SentRequest) -> ModelFailed:
        if response.status < 400:
            return failed(_redirected(self._base_url, response.status))
        body = await read_at_most(response, _MAX_ERROR_BYTES)
        error = _refused(self._dialect, response, body)
        return self._with_rejected_part(failed(error), error_text(body), sent)

    def _with_rejected_part(
        self, failure: ModelFailed, message: str, sent: SentRequest
    ) -> ModelFailed:
        """Name the refused part, if leaving it out would change the request."""
        failure = self._refused.named(failure, message, sent)
        if failure.rejected:
            parts = sent.request.without | {failure.rejected}
            again = self._sent(msgspec.structs.replace(sent.request, without=parts))
            if again.http.body == sent.http.body:
                return msgspec.structs.replace(failure, rejected="")
        return failure

    def _ended(
        self, events: list[ModelEvent], request: ModelRequest, sent: SentRequest
    ) -> list[ModelEvent]:
        """Name the refused part of a failure, and remember what has succeeded."""
        last = events[-1] if events else None
        if isinstance(last, ModelFailed):
            events[-1] = self._with_rejected_part(last, last.message, sent)
            return self._scrubbed(events)
        if isinstance(last, ModelFinished):
            self._refused.succeeded(request, sent.request)
        return events

    def _scrubbed(self, events: list[ModelEvent]) -> list[ModelEvent]:
        if events and isinstance(events[-1], ModelFailed):
            last = events[-1]
            message = self._redactor.redact(self._authentication.scrub(last.message))
            if message != last.message:
                events[-1] = _with_message(last, message)
        return events

    def _unreachable(self, error: Exception) -> str:
        return (
            f"Could not reach {redact_url(self._base_url)} ({type(error).__name__})."
            " Check that it is running and that the base_url is right."
        )


async def list_models(
    dialect: Dialect,
    base_url: str,
    authentication: Authentication,
    sessions: Sessions,
    *,
    seconds: float = _LIST_SECONDS,
) -> list[ListedModel]:
    """List a host's models. Returns an empty list if its API cannot list models.

    `seconds` limits the whole call. Raises `ProviderError` if the host rejects the request, is
    unreachable or too slow, or if its response is invalid.
    """
    path = dialect.models_path
    if path is None:
        return []
    url = address(base_url, path)
    await sessions.prepare()
    try:
        headers = await authentication.headers(HttpRequest(path, b""), url)
        async with await sessions.get(url, headers, seconds) as response:
            if 300 <= response.status < 400:
                raise _redirected(base_url, response.status)
            body = await read_at_most(response, _MAX_LIST_BYTES)
            if response.status != 200:
                raise _refused(dialect, response, body)
            return dialect.listed(body)
    except ProviderError as error:
        error.message = Redactor(base_url).redact(authentication.scrub(error.message))
        # The log shows an error's `args`.
        error.args = (error.message,)
        raise
    except sessions.errors as error:
        message = f"Could not reach {redact_url(base_url)} ({type(error).__name__})."
        raise ProviderError("provider_overloaded", message) from None


def address(base_url: str, path: str) -> str:
    """Append a path to a base URL, keeping the base URL's query, if any, at the end."""
    base, mark, query = base_url.partition("?")
    if not mark:
        return base + path
    return f"{base.rstrip('/')}{path}{'&' if '?' in path else '?'}{query}"


async def read_at_most(response: "aiohttp.ClientResponse", limit: int) -> bytes:
    """Read a response body, truncated to `limit` bytes."""
    pieces: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        pieces.append(chunk)
        size += len(chunk)
        if size >= limit:
            break
    return b"".join(pieces)[:limit]


def _redirected(base_url: str, status: int) -> ProviderError:
    return ProviderError(
        "provider_bad_request",
        f"{redact_url(base_url)} responded with a redirect ({status}): check the base_url of this "
        "host.",
        status=status,
    )


def _refused(dialect: Dialect, response: "aiohttp.ClientResponse", body: bytes) -> ProviderError:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return dialect.error(response.status, headers, body)


def _with_message(event: ModelFailed, message: str) -> ModelFailed:
    return msgspec.structs.replace(event, message=message)
