"""`thinkaloud owners`: lists owners, and renames and deletes them while no server runs."""

import asyncio
import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinkaloud.app.owners import Owners, OwnerSummary, list_owners, open_owners
from thinkaloud.app.server_address import find_server
from thinkaloud.cli.commands.keys.listing import day
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import OwnerOptions
from thinkaloud.cli.ui.sanitize import json_document, one_line, sanitize
from thinkaloud.config import Configuration, load
from thinkaloud.errors import ConfigurationError, InvalidRequest


def run(options: OwnerOptions) -> ExitCode:
    """Run one action. Raises `ThinkaloudError`."""
    return asyncio.run(_run(load(options.config), options))


async def _run(configuration: Configuration, options: OwnerOptions) -> ExitCode:
    if options.action == "list":
        _print_all(await list_owners(configuration), json=options.json)
        return ExitCode.OK
    if (address := await find_server(configuration)) is not None:
        raise ConfigurationError(
            f"A server is using the data directory ({address.url}). Stop it, run this command"
            " again, and start it again: owners cannot change under its runs and streams."
        )
    async with open_owners(configuration) as owners:
        match options.action:
            case "rename":
                had = await owners.rename(options.owner, options.new)
                print_notice(f"Gave {_contents(had)} to {sanitize(options.new)}.", "green")
                _print_left_to_do(configuration, options.owner, options.new)
            case "delete":
                return await _delete(owners, options)
    return ExitCode.OK


async def _delete(owners: Owners, options: OwnerOptions) -> ExitCode:
    had = await owners.find(options.owner)
    if not options.yes and not _confirmed(had):
        print_notice("Nothing was deleted.")
        return ExitCode.FAILED
    await owners.delete(options.owner)
    print_notice(f"Deleted {sanitize(options.owner)} with {_contents(had)}.", "green")
    return ExitCode.OK


def _confirmed(had: OwnerSummary) -> bool:
    if not sys.stdin.isatty():
        raise InvalidRequest("To delete an owner without being asked, add --yes.", field="yes")
    print_notice(f"This deletes {_contents(had)} of {sanitize(had.owner)} permanently.")
    print("Type the owner's name to confirm: ", end="", file=sys.stderr, flush=True)  # noqa: T201
    return sys.stdin.readline().rstrip("\n") == had.owner


def _print_left_to_do(configuration: Configuration, owner: str, new: str) -> None:
    """Print what the configuration still says about the former name."""
    settings = configuration.settings
    if owner == configuration.owner and settings.auth.mode == "off":
        print_notice(
            f"A server that requires no keys still uses {owner}: to see what {sanitize(new)} has,"
            ' create a key, and set `mode = "keys"` under [auth].'
        )
    places = [f"[auth.owners.{owner}]"] if owner in settings.auth.owners else []
    places += [
        f"[channels.{name}]"
        for name, each in {**settings.channels.platforms, **settings.channels.plugins}.items()
        if (each.owner or configuration.owner) == owner
    ]
    if places:
        print_notice(
            f"The configuration still uses {sanitize(owner)} in {sanitize(', '.join(places))}:"
            f" set {sanitize(new)} as the owner there, too."
        )


def _print_all(owners: Sequence[OwnerSummary], *, json: bool) -> None:
    if json:
        shown = [msgspec.structs.asdict(each) for each in owners]
        print(json_document(shown), end="")  # noqa: T201 - the output of the command
        return
    if not owners:
        print_notice("There are no owners yet.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Owner", "Conversations", "Last change", "Uploads", "Bytes", "Keys", "People"):
        table.add_column(title, overflow="fold")
    for each in owners:
        table.add_row(
            Text(one_line(each.owner, 128)),
            f"{each.conversations:,}",
            "" if each.updated_at_ms is None else day(each.updated_at_ms),
            f"{each.uploads:,}",
            f"{each.upload_bytes:,}",
            f"{each.keys:,}",
            f"{each.people:,}",
        )
    Console(highlight=False).print(table)


def _contents(had: OwnerSummary) -> str:
    counted = (
        (had.conversations, "conversation", "conversations"),
        (had.uploads, "upload", "uploads"),
        (had.keys, "key", "keys"),
        (had.people, "paired person", "paired people"),
    )
    parts = [
        f"{number:,} {one if number == 1 else many}" for number, one, many in counted if number
    ]
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last
