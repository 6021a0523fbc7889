"""Connects to a server with the official library, in both generations of the protocol."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

import anyio
from mcp import Client, MCPError, types
from mcp.client._transport import Transport
from mcp.client.session import IncomingMessage
from mcp.client.subscriptions import SubscriptionLost
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from thinkaloud.errors import ConfigurationError, ToolError
from thinkaloud.ports.signal import Signal
from thinkaloud.ports.tool import ToolContext, ToolOutput
from thinkaloud.tools.mcp.definitions import ToolDefinition, definition, visible
from thinkaloud.tools.mcp.results import output_of
from thinkaloud.tools.mcp.sdk.cleaning import cleaned
from thinkaloud.tools.mcp.sdk.http import HttpAddress, http
from thinkaloud.tools.mcp.sdk.requests import MAX_MESSAGE, ServerRequests, current_call
from thinkaloud.tools.mcp.sdk.stdio import StdioCommand, stdio
from thinkaloud.tools.mcp.session import ConnectionLost, Diagnosis, SessionExpired, Target
from thinkaloud.version import __version__

_INHERITED: Final = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER")
_MAX_PAGES: Final = 50
_MAX_PROBLEMS: Final = 50
_LISTEN_SECONDS: Final = 30.0
"""How long to wait before subscribing again to changes after the subscription was lost."""
_IDLE_SECONDS: Final = 60.0
"""How often an idle connection is checked."""
_CLOSED: Final = -32000
_TIMED_OUT: Final = -32001
# The library logs every line that a server writes which is not a message, with a traceback.
logging.getLogger("mcp").setLevel(logging.CRITICAL)
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@asynccontextmanager
async def connect(target: Target, diagnosis: Diagnosis) -> AsyncGenerator["SdkSession"]:
    """Connect until the block is left, which has to be in the same task."""
    settings = target.settings
    session = SdkSession(target)
    client = Client(
        cleaned(_transport(target, diagnosis), session.report, session.lost.set),
        read_timeout_seconds=settings.connect_timeout,
        list_roots_callback=session.requests.list_roots if target.roots else None,
        logging_callback=session.requests.on_log,
        log_level="info",
        message_handler=session.on_message,
        client_info=types.Implementation(name="thinkaloud", version=__version__),
        mode=settings.protocol,
        elicitation_callback=session.requests.on_elicitation,
        cache=None,
    )
    async with client, anyio.create_task_group() as tasks:
        session.open(client)
        if session.can_listen:
            tasks.start_soon(session.listen)
        yield session
        tasks.cancel_scope.cancel()


def _transport(target: Target, diagnosis: Diagnosis) -> Transport:
    settings, given = target.settings, target.environment
    if settings.url is not None:
        headers = _secrets(settings.headers_env, given)
        address = HttpAddress(
            settings.url,
            headers,
            settings.connect_timeout,
            settings.timeout,
            settings.max_result_bytes,
        )
        return http(address, diagnosis)
    environment = {name: given[name] for name in _INHERITED if name in given}
    environment |= settings.env
    environment |= _secrets(settings.env_from, given)
    cwd = str(Path(settings.cwd).expanduser()) if settings.cwd else None
    command = StdioCommand(
        target.name,
        str(Path(settings.command or "").expanduser()),
        settings.args,
        cwd,
        environment,
        settings.max_result_bytes,
    )
    return stdio(command, diagnosis, target.record)


def _secrets(names: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the values of variables. Raises `ConfigurationError` if one is not set."""
    for variable in names.values():
        if variable not in given:
            raise ConfigurationError(f"The environment variable {variable} is not set.")
    return {name: given[variable] for name, variable in names.items()}


class SdkSession:
    """A connection. Implements `thinkaloud.tools.mcp.session.Session`."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._client: Client | None = None
        self._problems: list[str] = []
        self.requests = ServerRequests(target.name, target.roots)
        self._changed = Signal()
        self.lost = Signal()
        """Set when the server ends the connection."""
        self.protocol = ""
        self.server = ""
        self.can_listen = False
        """Whether changes of the list are only sent on request."""

    def open(self, client: Client) -> None:
        """Use a connected client."""
        self._client = client
        self.protocol = client.protocol_version
        info = client.server_info
        self.server = visible(f"{info.name} {info.version}", 100) if info is not None else ""
        tools = client.server_capabilities.tools
        modern = client.protocol_version in MODERN_PROTOCOL_VERSIONS
        self.can_listen = modern and tools is not None and tools.list_changed is True

    @property
    def _opened(self) -> Client:
        if self._client is None:
            raise ConnectionLost
        return self._client

    def report(self, problem: str) -> None:
        """Note what is wrong with a list of tools."""
        if len(self._problems) < _MAX_PROBLEMS:
            self._problems.append(visible(problem, MAX_MESSAGE))

    async def tools(self) -> tuple[Sequence[ToolDefinition], Sequence[str]]:
        """List the tools; also return what is wrong with the list."""
        self._problems.clear()
        found: dict[str, ToolDefinition] = {}
        cursor: str | None = None
        limit = 10 * self._target.settings.max_tools
        for _ in range(_MAX_PAGES):
            page = await self._opened.list_tools(cursor=cursor)
            for tool in page.tools:
                each = definition(tool.model_dump(by_alias=True, exclude_none=True, mode="json"))
                if found.setdefault(each.name, each) is not each:
                    self.report(f"two tools are named {each.name!r}: only the first is offered")
            cursor = page.next_cursor
            if cursor is None or len(found) > limit:
                break
        return list(found.values()), list(self._problems)

    async def call(
        self, name: str, arguments: dict[str, object], context: ToolContext
    ) -> ToolOutput:
        """Call a tool. Raises `ToolError`, `ConnectionLost` or `SessionExpired`."""

        async def report(progress: float, total: float | None, message: str | None) -> None:
            text = visible(message or "", MAX_MESSAGE)
            context.progress(text, progress=progress, total=total)

        token = current_call.set(context)
        self.requests.calls.append(context)
        try:
            result = await self._opened.call_tool(
                name,
                arguments,
                read_timeout_seconds=self._target.settings.timeout,
                progress_callback=report,
            )
        except MCPError as error:
            raise self._failure(error) from error
        except ValueError as error:  # What pydantic raises.
            raise ToolError("The server's answer is malformed.") from error
        except RuntimeError as error:
            raise ToolError(f"The call failed: {visible(str(error), MAX_MESSAGE)}") from error
        finally:
            self.requests.calls.remove(context)
            current_call.reset(token)
        return output_of(result.model_dump(by_alias=True, exclude_none=True, mode="json"))

    def _failure(self, error: MCPError) -> Exception:
        if error.code == _CLOSED:
            self.lost.set()
            return ConnectionLost()
        if error.message == "Session terminated":
            self.lost.set()
            return SessionExpired()
        if error.code == _TIMED_OUT:
            seconds = self._target.settings.timeout
            return ToolError(f"The server did not answer within {seconds:g} seconds.")
        return ToolError(f"The server reported an error: {visible(error.message, 2_000)}")

    async def event(self) -> Literal["changed", "lost"]:
        """Wait until the list of tools has changed or the connection was lost."""
        while True:
            with anyio.move_on_after(_IDLE_SECONDS):
                await self._first_signal()
            if self.lost.is_set():
                return "lost"
            if self._changed.is_set():
                self._changed.clear()
                return "changed"
            if not await self._answers():
                return "lost"

    async def _first_signal(self) -> None:
        async with anyio.create_task_group() as tasks:

            async def wait(signal: Signal) -> None:
                await signal.wait()
                tasks.cancel_scope.cancel()

            tasks.start_soon(wait, self.lost)
            tasks.start_soon(wait, self._changed)

    async def _answers(self) -> bool:
        """Whether an idle server still answers; the newer protocol has no way to check that."""
        if self.protocol in MODERN_PROTOCOL_VERSIONS or self.requests.calls:
            return True
        try:
            await self._opened.session.send_request(types.PingRequest(), types.EmptyResult)
        except MCPError as error:
            # An error response is an answer too.
            return error.code not in {_CLOSED, _TIMED_OUT} and "terminated" not in error.message
        return True

    async def listen(self) -> None:
        """Follow changes of the list where they are only sent on request."""
        while not self.lost.is_set():
            try:
                async with self._opened.listen(tools_list_changed=True) as changes:
                    async for _ in changes:
                        self._changed.set()
            except MCPError:
                return
            except (SubscriptionLost, TimeoutError):
                # There is no replay, so the list has to be read again.
                self._changed.set()
            await asyncio.sleep(_LISTEN_SECONDS)

    async def on_message(self, message: IncomingMessage) -> None:
        """Receive notifications."""
        if isinstance(message, types.ToolListChangedNotification):
            self._changed.set()
