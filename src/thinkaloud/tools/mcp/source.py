"""All configured servers, as a source of tools."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tasks import owned_tasks
from thinkaloud.ports.tool import AnyTool, ToolScope
from thinkaloud.tools.mcp import known, processes
from thinkaloud.tools.mcp.processes import ProcessRecord
from thinkaloud.tools.mcp.server import McpServer
from thinkaloud.tools.mcp.session import Target
from thinkaloud.tools.mcp.settings import McpSettings

_CLOSING_SECONDS: Final = 10.0
_log = logging.getLogger(__name__)


class McpHost(msgspec.Struct, frozen=True):
    """What the servers are opened with."""

    environment: Mapping[str, str]
    """The environment of this process, for the variables that the settings name."""
    data_dir: Path
    clock: Clock
    roots: tuple[Path, ...] = ()
    """The folders that servers get as roots."""


class McpServers:
    """The servers. Implements `thinkaloud.ports.tool.ToolSource`."""

    def __init__(self) -> None:
        self.servers: tuple[McpServer, ...] = ()
        """The enabled servers, while they are open."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tools that models can call now."""
        return tuple(tool.schema.name for server in self.servers for tool in server.tools)

    async def tools(self, scope: ToolScope) -> Sequence[AnyTool]:
        """Return the tools of the servers that are connected."""
        del scope
        return [tool for server in self.servers for tool in server.tools]

    async def wait_settled(self, seconds: float) -> None:
        """Wait until each server is connected or has failed once, but not longer than this."""
        try:
            async with asyncio.timeout(seconds):
                for server in self.servers:
                    await server.settled.wait()
        except TimeoutError:
            late = [server.target.name for server in self.servers if not server.settled.is_set()]
            _log.warning("still connecting to MCP servers: %s", ", ".join(late))

    @asynccontextmanager
    async def open(
        self, settings: Mapping[str, McpSettings], host: McpHost
    ) -> AsyncGenerator[None]:
        """Connect to the enabled servers in the background; leaving the block ends them.

        Processes that an earlier process of ours left behind are ended first.
        """
        enabled = {name: each for name, each in settings.items() if each.enabled}
        if not enabled:
            yield
            return
        folder = host.data_dir / processes.FOLDER
        ended = await asyncio.to_thread(processes.end_leftovers, folder)
        if ended:
            _log.warning("ended %d MCP servers that an earlier process left running", ended)
        record = ProcessRecord(folder)
        self.servers = tuple(
            McpServer(
                Target(name, each, host.environment, record, host.roots),
                host.clock,
                host.data_dir / known.FOLDER,
            )
            for name, each in enabled.items()
        )
        async with owned_tasks() as group:
            tasks = [group.create_task(server.run()) for server in self.servers]
            try:
                yield
            finally:
                self.servers = ()
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks, timeout=_CLOSING_SECONDS)
                # A second cancellation ends what still waits for a server.
                for task in tasks:
                    task.cancel()
