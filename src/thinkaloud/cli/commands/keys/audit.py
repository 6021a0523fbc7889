"""`thinkaloud audit`: prints the audit log."""

import asyncio

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinkaloud.app.access import open_access
from thinkaloud.cli.commands.keys.listing import day
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import AuditOptions
from thinkaloud.cli.ui.sanitize import json_document, one_line, sanitize
from thinkaloud.config import Configuration, load
from thinkaloud.ports.keys import AuditEntry


def run(options: AuditOptions) -> ExitCode:
    """Print the newest entries, newest first. Raises `ThinkaloudError`."""
    entries = asyncio.run(_read(load(options.config), options))
    if options.json:
        shown = [msgspec.structs.asdict(entry) for entry in entries]
        print(json_document(shown), end="")  # noqa: T201 - the output of the command
        return ExitCode.OK
    if not entries:
        print_notice("The audit log is empty.")
        return ExitCode.OK
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Time", "What", "By", "Key", "Address", "Detail"):
        table.add_column(title, overflow="fold")
    for each in entries:
        table.add_row(
            day(each.at_ms),
            each.act,
            Text(one_line(each.by, 64)),
            each.key_id or "",
            Text(sanitize(each.address or "")),
            Text(one_line(each.detail, 200)),
        )
    Console(highlight=False).print(table)
    if len(entries) == options.limit:
        print_notice(f"For older entries, add --before {entries[-1].number}.")
    return ExitCode.OK


async def _read(configuration: Configuration, options: AuditOptions) -> list[AuditEntry]:
    async with open_access(configuration) as access:
        return list(await access.store.audit(before=options.before, limit=options.limit))
