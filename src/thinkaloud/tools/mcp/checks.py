"""Connects to servers once, to show what they offer."""

from collections.abc import Mapping

import msgspec

from thinkaloud.tools.mcp.server import McpServer
from thinkaloud.tools.mcp.settings import McpSettings
from thinkaloud.tools.mcp.source import McpHost, McpServers


class McpToolReport(msgspec.Struct, frozen=True):
    """A tool of a server."""

    name: str
    """The server's own name."""
    offered_as: str
    """The name that models get."""
    description: str
    approval: str


class McpReport(msgspec.Struct, frozen=True):
    """The result of connecting to a server."""

    name: str
    target: str
    ok: bool
    error: str = ""
    protocol: str = ""
    server: str = ""
    tools: tuple[McpToolReport, ...] = ()
    problems: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


async def check_servers(servers: Mapping[str, McpSettings], host: McpHost) -> list[McpReport]:
    """Connect to these servers, and return what was found. Ends them afterwards."""
    enabled = {name: msgspec.structs.replace(each, enabled=True) for name, each in servers.items()}
    opened = McpServers()
    async with opened.open(enabled, host):
        longest = max((each.connect_timeout for each in enabled.values()), default=0.0)
        await opened.wait_settled(longest + 10)
        return [_report(server) for server in opened.servers]


def _report(server: McpServer) -> McpReport:
    status = server.status
    tools = tuple(
        McpToolReport(
            tool.definition.name, tool.schema.name, tool.schema.description, tool.approval
        )
        for tool in server.tools
    )
    return McpReport(
        server.target.name,
        server.target.settings.target,
        status.state == "ready",
        status.error,
        status.protocol,
        status.server,
        tools,
        status.problems,
        status.changes,
    )
