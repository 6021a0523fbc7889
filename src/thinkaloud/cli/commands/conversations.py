"""`thinkaloud conversations`: list, show, search, change, export, branch, versions."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never

from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinkaloud.cli.backend.conversations import Archive, Listed, open_archive
from thinkaloud.cli.backend.history import check_id, find_run, said_in
from thinkaloud.cli.commands.one_shot import beside
from thinkaloud.cli.commands.versions import in_lines, selected, versions_in
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import ConversationOptions
from thinkaloud.cli.ui.sanitize import json_document, one_line, visible
from thinkaloud.config import load
from thinkaloud.core.conversations.export import Export
from thinkaloud.errors import Conflict, InvalidRequest


def run(options: ConversationOptions) -> ExitCode:
    """Carry out one action. Raises `ThinkaloudError`."""
    if options.action == "search" and not options.text.strip():
        raise InvalidRequest("There is nothing to search for: give WORDS.")
    if options.action not in {"list", "search"}:
        check_id(options.conversation_id)
    asyncio.run(_carry_out(options))
    return ExitCode.OK


async def _carry_out(options: ConversationOptions) -> None:
    async with open_archive(load(options.config)) as archive:
        named = options.conversation_id
        match options.action:
            case "list" | "search":
                _list(await archive.search(options.text, options.limit), json=options.json)
            case "show" | "export":
                await _write(archive, options)
            case "rename":
                _say("Renamed", await archive.rename(named, options.text))
            case "delete":
                await archive.delete(named)
                beside(f"Deleted {named}.", "green")
            case "versions":
                _versions(await said_in(archive, named), json=options.json)
            case "select":
                run_id = await selected(archive, named, options.text)
                beside(f"Selected {run_id}.", "green")
            case "branch":
                kept = await find_run(archive, named, options.text)
                made = await archive.branch(named, kept.run_id)
                sys.stdout.write(f"{visible(made.conversation_id)}\n")
            case _:
                assert_never(options.action)


def _list(found: Sequence[Listed], *, json: bool) -> None:
    if json:
        sys.stdout.write(json_document(found))
        return
    if not found:
        beside("There are none.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    # An id is there to be copied: it is never cut or broken.
    table.add_column("Id", min_width=max(len(visible(each.conversation_id)) for each in found))
    for title in ("Changed", "Title"):
        table.add_column(title, overflow="fold")
    for each in found:
        changed = datetime.fromtimestamp(each.updated_at_ms / 1000, UTC).astimezone()
        table.add_row(
            Text(visible(each.conversation_id)),
            f"{changed:%Y-%m-%d %H:%M}",
            Text(one_line(each.title, 200)),
        )
    Console(highlight=False).print(table)


def _versions(said: Export, *, json: bool) -> None:
    found = versions_in(said)
    if json:
        sys.stdout.write(json_document(found))
        return
    if not found:
        beside("No message has more than one version.")
    for line in in_lines(found):
        sys.stdout.write(f"{line}\n")


async def _write(archive: Archive, options: ConversationOptions) -> None:
    document = await archive.export(
        options.conversation_id,
        options.form,
        include_reasoning=options.thinking,
        version=options.version,
    )
    if options.action == "show" or (options.output is None and sys.stdout.isatty()):
        sys.stdout.write(visible(document.decode()))
    elif options.output is None:
        sys.stdout.buffer.write(document)
    else:
        _save(document, options.output)


def _save(document: bytes, path: Path) -> None:
    try:
        with path.open("xb") as file:
            file.write(document)
    except FileExistsError as error:
        raise Conflict(f"There is already a file {path}.") from error
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be written: {error.strerror}.") from error
    beside(f"Written to {path}.", "green")


def _say(what: str, one: Listed) -> None:
    beside(f"{what} {one.conversation_id}: {one_line(one.title, 200)}", "green")
