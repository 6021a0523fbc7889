"""`thinkaloud whoami`: whose conversations the terminal uses, and what it may do."""

import asyncio
from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinkaloud.app.server_address import ServerAddress, find_server
from thinkaloud.cli.commands.keys.listing import day
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import WhoamiOptions
from thinkaloud.cli.ui.sanitize import json_document, one_line
from thinkaloud.config import Configuration, load
from thinkaloud.ports.principal import Principal
from thinkaloud.server.access.responses import AppliedLimits, MeView, me_view

_NO_SERVER = "none: no server is running, and the terminal opens the data directory itself"


def run(options: WhoamiOptions) -> ExitCode:
    """Ask the running server, or describe this process. Raises `ThinkaloudError`."""
    configuration = load(options.config)
    me, key = asyncio.run(_find(configuration))
    if options.json:
        print(json_document(me), end="")  # noqa: T201 - the output of the command
        return ExitCode.OK
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    limits = [line for each in me.limits for line in _limit_lines(each)]
    for title, text in [*_lines(me, key), *limits]:
        table.add_row(title, Text(one_line(text, 1000)))
    Console(highlight=False).print(table)
    return ExitCode.OK


async def _find(configuration: Configuration) -> tuple[MeView, str]:
    """Return who the terminal is, and in words which key it uses."""
    settings = configuration.settings
    address = await find_server(configuration) if settings.store.kind == "sqlite" else None
    if address is None:
        principal = Principal(configuration.owner, reasoning=settings.server.show_reasoning)
        return me_view(principal, settings.auth.mode, None, ()), _NO_SERVER
    me = await _ask(address)
    if me.key_id is not None:
        expiry = "" if me.expires_at_ms is None else f", expires {day(me.expires_at_ms)}"
        return me, f"{me.key_id} ({me.key_name}{expiry})"
    return me, "none: the server requires none" if me.mode == "off" else "the server's local key"


async def _ask(address: ServerAddress) -> MeView:
    # Imports aiohttp, which takes longer than the rest and is not needed without a server.
    from thinkaloud.app.server_session import session_for  # noqa: PLC0415
    from thinkaloud.cli.backend.api import Api  # noqa: PLC0415

    async with session_for(address.url) as session:
        return msgspec.json.decode(await Api(session, address).ask("GET", "me"), type=MeView)


def _lines(me: MeView, key: str) -> Sequence[tuple[str, str]]:
    effort = "any" if me.max_effort is None else f"up to {me.max_effort}"
    return (
        ("Owner", me.owner),
        ("Role", me.role),
        ("Scopes", ", ".join(me.scopes)),
        ("Key", key),
        ("Models", ", ".join(me.models) or "all"),
        ("Effort", effort),
        ("Reasoning", {"allow": "shown", "redact": "redacted", "deny": "hidden"}[me.reasoning]),
    )


def _limit_lines(limits: AppliedLimits) -> Sequence[tuple[str, str]]:
    left = limits.remaining
    numbers = (
        (left.requests_per_minute, limits.requests_per_minute, "requests left this minute"),
        (left.concurrent_runs, limits.concurrent_runs, "more runs at the same time"),
        (left.tokens_per_day, limits.tokens_per_day, "tokens left today (UTC)"),
    )
    return [
        (f"Limit of the {limits.applies_to}", f"{remaining:,} of {limit:,} {unit}")
        for remaining, limit, unit in numbers
        if remaining is not None and limit is not None
    ]
