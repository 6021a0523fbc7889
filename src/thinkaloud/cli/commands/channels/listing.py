"""`thinkaloud channels list`: the chat platforms, and their state in the running server."""

import asyncio
from collections.abc import Mapping

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinkaloud.app.server_address import find_server
from thinkaloud.channels.platform.built_in import BUILT_IN, install_command
from thinkaloud.channels.platform.setup import SETUP
from thinkaloud.cli.commands.channels.sections import platforms_of
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.ui.sanitize import json_document, one_line
from thinkaloud.config import Configuration
from thinkaloud.errors import ThinkaloudError


class ChannelEntry(msgspec.Struct, frozen=True):
    """A chat platform in the list."""

    name: str
    title: str
    configured: bool
    enabled: bool
    installed: bool
    """Whether its library is installed."""
    thinking: str | None
    group_thinking: str | None
    state: str
    """`running`, or why not; `not configured` or `disabled`; `no server` if none is running."""


class _Check(msgspec.Struct):
    status: str
    detail: str = ""


class _Health(msgspec.Struct):
    checks: dict[str, _Check] = {}


async def list_channels(configuration: Configuration, *, json: bool) -> ExitCode:
    """Print all chat platforms."""
    checks = await _server_checks(configuration)
    installed = await asyncio.to_thread(_installed)
    found = [_entry(configuration, name, checks, installed[name]) for name in BUILT_IN]
    if json:
        print(json_document(found), end="")  # noqa: T201 - the output of the command
        return ExitCode.OK
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Channel", "Thinking", "In groups", "State"):
        table.add_column(title, overflow="fold")
    for each in found:
        table.add_row(each.name, each.thinking or "–", each.group_thinking or "–", Text(each.state))
    Console(highlight=False).print(table)
    return ExitCode.OK


def _entry(
    configuration: Configuration,
    name: str,
    checks: Mapping[str, _Check] | None,
    installed: bool,
) -> ChannelEntry:
    section = platforms_of(configuration).get(name)
    if section is None:
        state = "not configured"
    elif not section.enabled:
        state = "disabled"
    elif not installed:
        state = f"library missing: {install_command(BUILT_IN[name].extra)}"
    elif checks is None:
        state = "no server is running"
    else:
        check = checks.get(f"channels.{name}")
        state = "not started: restart the server" if check is None else _state(check)
    return ChannelEntry(
        name=name,
        title=SETUP[name].title,
        configured=section is not None,
        enabled=section is not None and section.enabled,
        installed=installed,
        thinking=section.thinking if section else None,
        group_thinking=section.group_thinking if section else None,
        state=state,
    )


def _state(check: _Check) -> str:
    if check.status == "healthy" and not check.detail:
        return "running"
    return one_line(check.detail or check.status, 300)


def _installed() -> Mapping[str, bool]:
    return {name: each.is_installed() for name, each in BUILT_IN.items()}


async def _server_checks(configuration: Configuration) -> Mapping[str, _Check] | None:
    if configuration.settings.store.kind == "memory":
        return None
    try:
        address = await find_server(configuration)
    except ThinkaloudError:
        return None
    if address is None:
        return None
    # Imports aiohttp, which is not needed without a server.
    from thinkaloud.app.server_session import read_health  # noqa: PLC0415

    body = await read_health(address.url, address.key)
    try:
        return msgspec.json.decode(body, type=_Health).checks if body else None
    except msgspec.MsgspecError:
        return None
