"""The transport to a server over Streamable HTTP, with limits on what it may send.

Source: https://modelcontextprotocol.io/specification, Transports.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

import anyio
import httpx2
import msgspec
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client
from typing_extensions import override

from thinkaloud.tools.mcp.session import Diagnosis

_SESSION: Final = "mcp-session-id"
_GOODBYE_SECONDS: Final = 1.0


class HttpAddress(msgspec.Struct, frozen=True):
    """Where a server is."""

    url: str
    headers: Mapping[str, str]
    connect_timeout: float
    timeout: float
    max_bytes: int
    """Maximum bytes of a message from the server."""


@asynccontextmanager
async def http(address: HttpAddress, diagnosis: Diagnosis) -> AsyncGenerator[TransportStreams]:
    """Connect to a server; leaving the block ends its session.

    Redirects to another origin are not followed, and proxies, cookies and credentials of this
    machine are not used.
    """
    limits = _Limited(address.max_bytes, diagnosis)
    async with httpx2.AsyncClient(
        headers={**address.headers, "Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(address.connect_timeout, read=address.timeout + 10),
        transport=limits,
        trust_env=False,
    ) as client:
        try:
            async with streamable_http_client(
                address.url,
                http_client=client,
                # The library waits for the answer without a limit.
                terminate_on_close=False,
                max_sse_event_size=address.max_bytes,
            ) as streams:
                yield streams
        finally:
            if limits.session is not None:
                with anyio.move_on_after(_GOODBYE_SECONDS, shield=True), suppress(httpx2.HTTPError):
                    await client.delete(address.url, headers={_SESSION: limits.session})


class _Limited(httpx2.AsyncHTTPTransport):
    """Limits the size of responses, and knows the session."""

    def __init__(self, max_bytes: int, diagnosis: Diagnosis) -> None:
        super().__init__()
        self._diagnosis = diagnosis
        self._max_bytes = max_bytes
        self.session: str | None = None

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        self.session = response.headers.get(_SESSION) or self.session
        if response.status_code == 404 and _SESSION in request.headers:
            # The library only recognizes an expired session if the body is not an error of JSON-RPC.
            response.headers["content-type"] = "text/plain"
        if response.status_code in {401, 403}:
            status = f"The server answered {response.status_code}: it needs other credentials.\n"
            self._diagnosis.add(status.encode())
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise httpx2.DecodingError("The server sends compressed content.", request=request)
        events = response.headers.get("content-type", "").lower().startswith("text/event-stream")
        if not events and isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _LimitedStream(response.stream, self._max_bytes)
        return response


class _LimitedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._max_bytes
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise httpx2.StreamError(
                    f"it is larger than {self._max_bytes:,} bytes (`max_result_bytes`)"
                )
            yield chunk

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()
