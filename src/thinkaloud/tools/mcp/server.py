"""One server: its connection, which is opened again when it is lost, and its tools."""

import asyncio
import hashlib
import importlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal, cast

import msgspec

from thinkaloud.errors import ToolError
from thinkaloud.events.prompt import ToolSchema
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.signal import Signal
from thinkaloud.ports.tool import Approval, ToolContext, ToolOutput
from thinkaloud.tools.mcp import known
from thinkaloud.tools.mcp.definitions import ToolDefinition, offered_name, visible
from thinkaloud.tools.mcp.session import (
    Connect,
    ConnectionLost,
    Diagnosis,
    Session,
    SessionExpired,
    Target,
)

MISSING_EXTRA: Final = "MCP servers need a library: run `pip install 'thinkaloud[mcp]'`."
_FIRST_DELAY: Final = 1.0
_MAX_DELAY: Final = 60.0
_STABLE_MS: Final = 30_000
"""A connection that lasted this long is opened again without delay."""
_log = logging.getLogger(__name__)

State = Literal["connecting", "ready", "failed"]


class McpStatus(msgspec.Struct, frozen=True):
    """The state of a server."""

    state: State
    error: str = ""
    """Why it is not ready."""
    protocol: str = ""
    server: str = ""
    """What the server calls itself."""
    problems: tuple[str, ...] = ()
    """What is wrong with its list of tools."""
    changes: tuple[str, ...] = ()
    """How the definitions differ from those that were listed before."""


class McpTool:
    """A tool of a server. Implements `thinkaloud.ports.tool.ContextTool`."""

    def __init__(self, server: "McpServer", definition: ToolDefinition) -> None:
        settings = server.target.settings
        self._server = server
        self.definition = definition
        name = offered_name(server.target.name, definition.name)
        self._schema = ToolSchema(name, definition.description, definition.parameters)
        self.approval: Approval = definition.approval(settings.approval)
        whole = f"{known.identity(settings)} {definition.fingerprint}"
        self.fingerprint = hashlib.sha256(whole.encode()).hexdigest()
        """Changes when the server changes the definition, or is replaced by another one."""
        self.server = server.target.name
        self.title = definition.title or definition.name
        self._timeout = settings.timeout + settings.connect_timeout

    @property
    def schema(self) -> ToolSchema:
        """The name, description and parameters sent to the model."""
        return self._schema

    @property
    def timeout(self) -> float:
        """Seconds for a call, including those for connecting again."""
        return self._timeout

    async def call_in(self, context: ToolContext, arguments: dict[str, object]) -> ToolOutput:
        """Call the tool. Raises `ToolError`."""
        return await self._server.call(self.definition, arguments, context)


class McpServer:
    """Keeps a connection to a server. `run` has to be a task of its own."""

    def __init__(self, target: Target, clock: Clock, folder: Path) -> None:
        self.target = target
        self.status = McpStatus("connecting")
        self.tools: tuple[McpTool, ...] = ()
        """The tools that it listed last; none after an attempt to connect has failed."""
        self.settled = Signal()
        """Set when the first attempt to connect has ended."""
        self._clock = clock
        self._folder = folder
        self._session: Session | None = None
        self._ready = Signal()
        self._wanted = Signal()

    async def run(self) -> None:
        """Connect, and connect again whenever the connection is lost, until it is cancelled."""
        delay = 0.0
        while True:
            opened_ms = self._clock.steady_ms()
            await self._attempt()
            self._forget()
            self.settled.set()
            stable = self._clock.steady_ms() - opened_ms > _STABLE_MS
            delay = 0.0 if stable else min(max(2 * delay, _FIRST_DELAY), _MAX_DELAY)
            # A call that needs the server does not wait for the next attempt.
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._wanted.wait()
            self._wanted.clear()

    async def call(
        self, definition: ToolDefinition, arguments: dict[str, object], context: ToolContext
    ) -> ToolOutput:
        """Call a tool. Raises `ToolError`.

        A call that may have taken effect is never repeated.
        """
        for _ in range(2):
            session = await self._connected()
            self._check(definition)
            try:
                return await session.call(definition.name, arguments, context)
            except SessionExpired:
                # The server rejected the call, so it is safe to repeat it in a new session.
                self._forget(session)
            except ConnectionLost:
                self._forget(session)
                break
        raise ToolError(
            f"The connection to the MCP server {self.target.name} was lost during the call."
            " It is unknown whether the call took effect."
        )

    def _forget(self, session: Session | None = None) -> None:
        """Let calls wait for the next connection, unless there is already another one."""
        if session is None or self._session is session:
            self._session = None
            self._ready.clear()

    def _check(self, definition: ToolDefinition) -> None:
        """Raise `ToolError` if the model was offered another tool than there is now."""
        now = next((t for t in self.tools if t.definition.name == definition.name), None)
        if now is None or now.definition.fingerprint != definition.fingerprint:
            raise ToolError(f"The server changed or removed the tool {definition.name}.")

    async def _connected(self) -> Session:
        self._wanted.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.target.settings.connect_timeout):
                await self._ready.wait()
        if self._session is None:
            reason = self.status.error or "it is not connected"
            raise ToolError(f"The MCP server {self.target.name} is not available: {reason}")
        return self._session

    async def _attempt(self) -> None:
        """Connect and follow the server until the connection is lost."""
        diagnosis = Diagnosis()
        reason = "The connection was lost."
        connected = False
        try:
            connect = await asyncio.to_thread(_library)
            async with asyncio.timeout(self.target.settings.connect_timeout) as limit:
                async with connect(self.target, diagnosis) as session:
                    await self._list(session)
                    limit.reschedule(None)
                    connected = True
                    self._session = session
                    self._ready.set()
                    self.settled.set()
                    await self._follow(session)
        except ModuleNotFoundError:
            reason = MISSING_EXTRA
        except TimeoutError:
            reason = f"It did not answer within {self.target.settings.connect_timeout:g} seconds."
        except Exception as error:  # noqa: BLE001 - the library and the system raise many kinds
            reason = _reason(error)
        if not connected:
            self.tools = ()
        text = visible(diagnosis.text[-500:], 500)
        reason = f"{reason} {text}".strip() if text else reason
        if self.status.error != reason:
            _log.warning("MCP server %s: %s", self.target.name, reason)
        self.status = McpStatus("failed", reason)

    async def _follow(self, session: Session) -> None:
        while await session.event() == "changed":
            try:
                async with asyncio.timeout(self.target.settings.connect_timeout):
                    await self._list(session)
            except TimeoutError:
                _log.warning("MCP server %s did not list its tools again", self.target.name)

    async def _list(self, session: Session) -> None:
        settings, name = self.target.settings, self.target.name
        found, problems = await session.tools()
        wanted = [each for each in found if _matches(each.name, settings.tools)]
        if len(wanted) > settings.max_tools:
            left = len(wanted) - settings.max_tools
            problems = [*problems, f"{left} tools were left out (`max_tools`)"]
            wanted = wanted[: settings.max_tools]
        changes: list[str] = []
        try:
            changes = await asyncio.to_thread(known.update, self._folder, name, settings, wanted)
        except OSError as error:
            problems = [*problems, f"changes cannot be noticed: {error.strerror}"]
        for change in changes:
            _log.warning("MCP server %s: %s", name, change)
        self.tools = tuple(McpTool(self, each) for each in wanted)
        self.status = McpStatus(
            "ready", "", session.protocol, session.server, tuple(problems), tuple(changes)
        )


def _library() -> Connect:
    """Import the library, which takes a while. Raises `ModuleNotFoundError` without the extra."""
    return cast("Connect", importlib.import_module("thinkaloud.tools.mcp.sdk.session").connect)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _reason(error: BaseException) -> str:
    """Return why an attempt failed, from the innermost exception."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseException", error.exceptions[0])
    text = visible(str(error), 300)
    if isinstance(error, FileNotFoundError):
        return f"There is no such program or folder: {error.filename}."
    if isinstance(error, PermissionError):
        return f"It is not permitted to start {error.filename}."
    return text or type(error).__name__
