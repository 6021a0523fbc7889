"""Cleans what a server sends before the library validates it.

The library rejects a whole list because of one tool, and a whole result because of one block, or
because it does not match its `outputSchema`, after the tool has run. So this removes just the part
that is wrong.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, cast

from mcp.client._transport import ReadStream, Transport, TransportStreams, WriteStream
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCRequest, JSONRPCResponse

from thinkaloud.tools.mcp.definitions import definition
from thinkaloud.tools.mcp.results import clean_result

Report = Callable[[str], None]
"""Called with each problem of a list of tools."""
_KEPT = ("name", "title", "description", "inputSchema", "annotations")
_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")


@asynccontextmanager
async def cleaned(
    transport: Transport, report: Report, lost: Callable[[], None]
) -> AsyncGenerator[TransportStreams]:
    """Wrap a transport. `lost` is called when the server ends the connection."""
    methods: dict[str | int, str] = {}
    async with transport as (reading, writing):
        yield _Reading(reading, methods, report, lost), _Writing(writing, methods)


class _Writing:
    """Remembers the method of each request."""

    def __init__(self, stream: WriteStream[SessionMessage], methods: dict[str | int, str]) -> None:
        self._stream = stream
        self._methods = methods

    async def send(self, item: SessionMessage, /) -> None:
        message = item.message
        if isinstance(message, JSONRPCRequest):
            self._methods[message.id] = message.method
        await self._stream.send(item)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()


class _Reading:
    """Cleans the responses to the requests that need it."""

    def __init__(
        self,
        stream: ReadStream[SessionMessage | Exception],
        methods: dict[str | int, str],
        report: Report,
        lost: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._methods = methods
        self._report = report
        self._lost = lost

    @property
    def last_context(self) -> object:
        """The context of the sender, which the library reads."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        return self._cleaned(await self._stream.receive())

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> ReadStream[SessionMessage | Exception]:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return self._cleaned(await self._stream.__anext__())
        except StopAsyncIteration:
            self._lost()
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _cleaned(self, item: SessionMessage | Exception) -> SessionMessage | Exception:
        message = item.message if isinstance(item, SessionMessage) else None
        if isinstance(message, JSONRPCResponse):
            method = self._methods.pop(message.id, "")
            result = cast("dict[str, object]", message.result)
            if method == "tools/list":
                clean_list(result, self._report)
            elif method == "tools/call" and result.get("resultType") in {None, "complete"}:
                clean_result(result)
        elif isinstance(message, JSONRPCError) and message.id is not None:
            self._methods.pop(message.id, None)
        return item


def clean_list(result: dict[str, Any], report: Report) -> None:
    """Remove unusable tools from a `tools/list` result, and report each."""
    kept: list[object] = []
    tools = result.get("tools")
    if not isinstance(tools, list):
        report("the server's list of tools is malformed")
        tools = []
    for tool in cast("list[object]", tools):
        found = cast("dict[str, object]", tool) if isinstance(tool, dict) else {}
        try:
            definition(found)
        except ValueError as error:
            report(f"the tool {str(found.get('name'))[:100]!r} was left out: {error}")
            continue
        kept.append(_kept(found))
    result["tools"] = kept
    if not isinstance(result.get("nextCursor"), str):
        result.pop("nextCursor", None)


def _kept(tool: dict[str, object]) -> dict[str, object]:
    """Return what is used of a tool. Without an `outputSchema`, results are not validated."""
    kept = {key: tool[key] for key in _KEPT if key in tool}
    for key in ("title", "description"):
        if not isinstance(kept.get(key), str):
            kept.pop(key, None)
    kept["inputSchema"] = {"type": "object", **cast("dict[str, object]", kept["inputSchema"])}
    hints = kept.pop("annotations", None)
    if isinstance(hints, dict):
        claims = cast("dict[str, object]", hints)
        kept["annotations"] = {key: v for key in _HINTS if isinstance(v := claims.get(key), bool)}
    return kept
