"""The port to the library of the protocol, so that it is imported only when it is needed."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from thinkaloud.ports.tool import ToolContext, ToolOutput
from thinkaloud.tools.mcp.definitions import ToolDefinition
from thinkaloud.tools.mcp.processes import ProcessRecord
from thinkaloud.tools.mcp.settings import McpSettings


class ConnectionLost(Exception):
    """The connection ended during a call, which may have taken effect."""


class SessionExpired(Exception):
    """The server has forgotten the session, and so has not executed the call."""


class Target(msgspec.Struct, frozen=True):
    """What to connect to, and with what."""

    name: str
    settings: McpSettings
    environment: Mapping[str, str]
    """The environment of this process, for the variables that the settings name."""
    record: ProcessRecord
    roots: tuple[Path, ...] = ()
    """The folders that the server gets as roots."""


class Session(Protocol):
    """A connection to a server."""

    protocol: str
    """The version of the protocol."""
    server: str
    """What the server calls itself."""

    async def tools(self) -> tuple[Sequence[ToolDefinition], Sequence[str]]:
        """List the tools; also return what is wrong with the list."""
        ...

    async def call(
        self, name: str, arguments: dict[str, object], context: ToolContext
    ) -> ToolOutput:
        """Call a tool. Raises `ToolError`, `ConnectionLost` or `SessionExpired`."""
        ...

    async def event(self) -> Literal["changed", "lost"]:
        """Wait until the list of tools has changed or the connection was lost."""
        ...


class Diagnosis:
    """The end of what a server wrote to standard error, or the last HTTP error."""

    def __init__(self, limit: int = 2_000) -> None:
        self._limit = limit
        self._kept = b""

    def add(self, chunk: bytes) -> None:
        """Append output and forget what is too old."""
        self._kept = (self._kept + chunk)[-self._limit :]

    @property
    def text(self) -> str:
        """The output that is kept."""
        return self._kept.decode("utf-8", "replace").strip()


class Connect(Protocol):
    """Opens a connection."""

    def __call__(
        self, target: Target, diagnosis: Diagnosis
    ) -> AbstractAsyncContextManager[Session]:
        """Connect until the block is left, which has to be in the same task."""
        ...
