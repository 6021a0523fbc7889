"""MCP servers, opened as the agent opens them, and a context that records what a call reports."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from thinkaloud.events.content import text_of
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.tool import Answer, ToolScope
from thinkaloud.tools.mcp.server import McpServer, McpTool
from thinkaloud.tools.mcp.settings import McpSettings
from thinkaloud.tools.mcp.source import McpHost, McpServers

ROGUE = str(Path(__file__).with_name("rogue.py"))
SCOPE = ToolScope("local", "c", "r")


class Context:
    """The context of one call."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.scope = SCOPE
        self.tool_call_id = "call-1"
        self.reports: list[tuple[str, float | None, float | None]] = []
        self.asked: list[tuple[str, dict[str, object] | None, str | None]] = []
        self._answer = answer or Answer("decline")

    def progress(
        self, message: str = "", *, progress: float | None = None, total: float | None = None
    ) -> None:
        self.reports.append((message, progress, total))

    async def ask(
        self, message: str, schema: dict[str, object] | None = None, *, url: str | None = None
    ) -> Answer:
        self.asked.append((message, schema, url))
        return self._answer


def rogue(*how: str, **settings: object) -> McpSettings:
    """Settings of a server that misbehaves in these ways."""
    given = {"protocol": "legacy", "connect_timeout": 30.0, **settings}
    return McpSettings(command=sys.executable, args=(ROGUE, *how), **given)  # type: ignore[arg-type]


@asynccontextmanager
async def opened(
    folder: Path, roots: tuple[Path, ...] = (), **settings: McpSettings
) -> AsyncIterator[McpServers]:
    """Servers by name, each connected or failed."""
    servers = McpServers()
    host = McpHost(os.environ, folder, SystemClock(), roots)
    async with servers.open(settings, host):
        await servers.wait_settled(60)
        yield servers


def one(servers: McpServers, name: str = "s") -> McpServer:
    return next(each for each in servers.servers if each.target.name == name)


def tool(servers: McpServers, name: str, server: str = "s") -> McpTool:
    return next(each for each in one(servers, server).tools if each.definition.name == name)


async def call(
    servers: McpServers, name: str, context: Context | None = None, **given: object
) -> str:
    output = await tool(servers, name).call_in(context or Context(), given)
    return text_of(output.content)


async def names(servers: McpServers) -> list[str]:
    return [cast("McpTool", each).schema.name for each in await servers.tools(SCOPE)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process is running; one that has ended but was not waited for is not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}
