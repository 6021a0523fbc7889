"""Answers what a server asks for, and reports what it logs."""

from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from mcp import types
from mcp.client import ClientRequestContext

from thinkaloud.errors import ToolError
from thinkaloud.ports.tool import ToolContext
from thinkaloud.tools.mcp.definitions import visible

MAX_MESSAGE: Final = 500
"""Maximum length of a message from a server to a person."""
current_call: ContextVar[ToolContext | None] = ContextVar("current_call", default=None)
"""The call that is being made, where the library answers requests within it."""


class ServerRequests:
    """Connects a server's requests to the calls that they belong to."""

    def __init__(self, name: str, roots: Sequence[Path]) -> None:
        self._name = name
        self._roots = roots
        self.calls: list[ToolContext] = []
        """The calls that are being made."""

    async def on_log(self, params: types.LoggingMessageNotificationParams) -> None:
        """Report a log message of the server as progress of its call."""
        if params.level == "debug" or (context := self.call()) is None:
            return
        data = params.data
        text = data if isinstance(data, str) else msgspec.json.encode(data).decode()
        context.progress(visible(text, MAX_MESSAGE))

    async def on_elicitation(
        self, context: ClientRequestContext, params: types.ElicitRequestParams
    ) -> types.ElicitResult:
        """Ask the person whose call it is; decline if that is unknown or impossible."""
        del context  # The library's: it doesn't say which call it belongs to.
        call = self.call()
        if call is None:
            return types.ElicitResult(action="decline")
        message = f"{self._name}: {visible(params.message, 2_000)}"
        try:
            if isinstance(params, types.ElicitRequestURLParams):
                if not params.url.startswith(("http://", "https://")):
                    return types.ElicitResult(action="decline")
                answer = await call.ask(message, url=visible(params.url, 2_000))
            else:
                schema = cast("dict[str, object]", _dumped(params.requested_schema))
                answer = await call.ask(message, schema)
        except ToolError:
            return types.ElicitResult(action="decline")
        content: Any = answer.content if answer.action == "accept" else None
        return types.ElicitResult(action=answer.action, content=content)

    async def list_roots(self, context: ClientRequestContext) -> types.ListRootsResult:
        """Return the folders that the server gets as roots."""
        del context
        return types.ListRootsResult(
            roots=[types.Root.model_validate({"uri": path.as_uri()}) for path in self._roots]
        )

    def call(self) -> ToolContext | None:
        """Return the call that a request of the server belongs to, if that is certain."""
        current = current_call.get()
        if current is not None:
            return current
        return self.calls[0] if len(self.calls) == 1 else None


def _dumped(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    return dump(by_alias=True, exclude_none=True, mode="json") if dump is not None else value
