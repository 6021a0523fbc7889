"""Runs one action of `thinkaloud mcp`."""

import asyncio
import sys
from collections.abc import Iterator

import msgspec

from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import McpOptions
from thinkaloud.cli.ui.sanitize import json_document, one_line
from thinkaloud.config import Configuration, load
from thinkaloud.errors import NotFound
from thinkaloud.ports.clock import SystemClock
from thinkaloud.tools.mcp import known
from thinkaloud.tools.mcp.checks import McpReport, check_servers
from thinkaloud.tools.mcp.definitions import offered_name
from thinkaloud.tools.mcp.source import McpHost

_DESCRIPTION = 200


class McpEntry(msgspec.Struct, frozen=True):
    """A configured server."""

    name: str
    target: str
    enabled: bool
    approval: str
    tools: tuple[str, ...]
    """The names that models get, of the tools that it listed last."""


def run(options: McpOptions) -> ExitCode:
    """Run one action. Raises `ThinkaloudError`."""
    configuration = load(options.config)
    for notice in configuration.notices:
        sys.stderr.write(f"thinkaloud: {one_line(notice, 1_000)}\n")
    if options.action == "list":
        return _list(configuration, json=options.json)
    return _test(configuration, options.name, json=options.json)


def _list(configuration: Configuration, *, json: bool) -> ExitCode:
    folder = configuration.data_dir / known.FOLDER
    entries: list[McpEntry] = []
    for name, settings in configuration.settings.mcp.items():
        last = known.read(folder, name)
        tools = () if last is None else last.tools
        offered = tuple(offered_name(name, tool.name) for tool in tools)
        entries.append(
            McpEntry(name, settings.target, settings.enabled, settings.approval, offered)
        )
    if json:
        sys.stdout.write(json_document(entries))
        return ExitCode.OK
    if not entries:
        sys.stdout.write("No MCP servers are configured: add [mcp.NAME] to thinkaloud.toml.\n")
    for entry in entries:
        state = f"approval: {entry.approval}" if entry.enabled else "disabled"
        sys.stdout.write(f"{entry.name}: {one_line(entry.target, 200)} ({state})\n")
        for tool in entry.tools:
            sys.stdout.write(f"  {one_line(tool, 100)}\n")
        if not entry.tools:
            sys.stdout.write(f"  no tools known yet: run `thinkaloud mcp test {entry.name}`\n")
    return ExitCode.OK


def _test(configuration: Configuration, name: str, *, json: bool) -> ExitCode:
    servers = configuration.settings.mcp
    if name and name not in servers:
        available = ", ".join(servers) or "none"
        raise NotFound(f"There is no MCP server {name!r}. Configured: {available}.")
    chosen = {
        each: settings
        for each, settings in servers.items()
        if each == name or (not name and settings.enabled)
    }
    host = McpHost(configuration.environment, configuration.data_dir, SystemClock())
    reports = asyncio.run(check_servers(chosen, host))
    if json:
        sys.stdout.write(json_document(reports))
    else:
        for report in reports:
            sys.stdout.writelines(f"{line}\n" for line in _lines(report))
    return ExitCode.OK if all(report.ok for report in reports) else ExitCode.FAILED


def _lines(report: McpReport) -> Iterator[str]:
    if not report.ok:
        yield f"✗ {report.name}: {one_line(report.error, 1_000)}"
        return
    server = f"{one_line(report.server, 100)}, " if report.server else ""
    yield f"✓ {report.name}: {server}protocol {report.protocol}, {len(report.tools)} tools"
    for tool in report.tools:
        plain = tool.offered_as == f"{report.name}__{tool.name}"
        real = "" if plain else f" (its own name: {one_line(tool.name, 100)})"
        yield f"  {tool.offered_as}{real}, approval: {tool.approval}"
        if tool.description:
            yield f"    {one_line(tool.description, _DESCRIPTION)}"
    for problem in report.problems:
        yield f"  ! {one_line(problem, 500)}"
    for change in report.changes:
        yield f"  ! {one_line(change, 500)}"
