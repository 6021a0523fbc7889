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

from thinkaloud.cli.backend.backend import open_archive
from thinkaloud.cli.backend.conversations import Archive, ConversationEntry
from thinkaloud.cli.backend.history import find_run, load_export, validate_id
from thinkaloud.cli.backend.owner import load_for
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.commands.versions import select_version, version_lines, versions_in
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import ConversationOptions
from thinkaloud.cli.ui.sanitize import json_document, one_line, sanitize
from thinkaloud.core.conversations.export import Export
from thinkaloud.errors import Conflict, InvalidRequest


def run(options: ConversationOptions) -> ExitCode:
    """Run one action. Raises `ThinkaloudError`."""
    if options.action == "search" and not options.text.strip():
        raise InvalidRequest("Nothing to search for: pass WORDS.")
    if options.action not in {"list", "search"}:
        validate_id(options.conversation_id)
    asyncio.run(_run(options))
    return ExitCode.OK


async def _run(options: ConversationOptions) -> None:
    async with open_archive(load_for(options.config, options.owner)) as archive:
        named = options.conversation_id
        match options.action:
            case "list" | "search":
                _list(await archive.search(options.text, options.limit), json=options.json)
            case "show" | "export":
                await _write(archive, options)
            case "rename":
                _report("Renamed", await archive.rename(named, options.text))
            case "delete":
                await archive.delete(named)
                print_notice(f"Deleted {named}.", "green")
            case "versions":
                _versions(await load_export(archive, named), json=options.json)
            case "select":
                run_id = await select_version(archive, named, options.text)
                print_notice(f"Selected {run_id}.", "green")
            case "branch":
                kept = await find_run(archive, named, options.text)
                made = await archive.branch(named, kept.run_id)
                sys.stdout.write(f"{sanitize(made.conversation_id)}\n")
            case _:
                assert_never(options.action)


def _list(found: Sequence[ConversationEntry], *, json: bool) -> None:
    if json:
        sys.stdout.write(json_document(found))
        return
    if not found:
        print_notice("No conversations found.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    # IDs are never truncated or wrapped, so that they can be copied.
    table.add_column("ID", min_width=max(len(sanitize(each.conversation_id)) for each in found))
    for title in ("Changed", "Title"):
        table.add_column(title, overflow="fold")
    for each in found:
        changed = datetime.fromtimestamp(each.updated_at_ms / 1000, UTC).astimezone()
        table.add_row(
            Text(sanitize(each.conversation_id)),
            f"{changed:%Y-%m-%d %H:%M}",
            Text(one_line(each.title, 200)),
        )
    Console(highlight=False).print(table)


def _versions(export: Export, *, json: bool) -> None:
    found = versions_in(export)
    if json:
        sys.stdout.write(json_document(found))
        return
    if not found:
        print_notice("No message has more than one version.")
    for line in version_lines(found):
        sys.stdout.write(f"{line}\n")


async def _write(archive: Archive, options: ConversationOptions) -> None:
    document = await archive.export(
        options.conversation_id,
        options.form,
        include_reasoning=options.thinking,
        version=options.version,
    )
    if options.action == "show" or (options.output is None and sys.stdout.isatty()):
        sys.stdout.write(sanitize(document.decode()))
    elif options.output is None:
        sys.stdout.buffer.write(document)
    else:
        _save(document, options.output)


def _save(document: bytes, path: Path) -> None:
    try:
        with path.open("xb") as file:
            file.write(document)
    except FileExistsError as error:
        raise Conflict(f"{path} already exists.") from error
    except OSError as error:
        raise InvalidRequest(f"Cannot write {path}: {error.strerror}.") from error
    print_notice(f"Written to {path}.", "green")


def _report(what: str, one: ConversationEntry) -> None:
    print_notice(f"{what} {one.conversation_id}: {one_line(one.title, 200)}", "green")
