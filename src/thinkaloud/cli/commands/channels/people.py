"""`thinkaloud channels pair`, `unpair` and `people`: who may use the channels."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinkaloud.app.chat_platforms import open_channel_state
from thinkaloud.channels.platform.pairing import Pairings
from thinkaloud.cli.commands.channels.sections import platforms_of, require_platform
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.ui.sanitize import json_document, one_line, sanitize
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError, NotFound
from thinkaloud.ports.clock import SystemClock


class PersonEntry(msgspec.Struct, frozen=True):
    """Somebody in the list of people."""

    channel: str
    id: str
    """The platform's stable id; `*` for everybody."""
    name: str
    """The display name when the person was paired; not verified."""
    access: Literal["allow_from", "paired", "waiting"]
    """`allow_from`: listed there, and perhaps paired, too. `waiting`: has a code that was not
    approved yet."""
    paired_at_ms: int | None = None
    """Unix milliseconds; None if the person isn't paired."""


@asynccontextmanager
async def _pairings(configuration: Configuration) -> AsyncGenerator[Pairings]:
    if configuration.settings.store.kind == "memory":
        raise ConfigurationError(
            'With store.kind = "memory", pairings exist only inside the server. List ids in'
            " allow_from instead, or use a store that persists."
        )
    async with open_channel_state(configuration) as state:
        yield Pairings(state, SystemClock())


async def pair(configuration: Configuration, code: str, owner: str | None) -> ExitCode:
    """Approve a pairing code. Raises `NotFound` if no such code is waiting."""
    async with _pairings(configuration) as pairings:
        person = await pairings.approve(code, owner=owner)
    name = f" ({one_line(person.name, 60)})" if person.name else ""
    print_notice(
        f"Paired {sanitize(person.id)}{name} with {person.channel}. They can write to the bot now.",
        "green",
    )
    return ExitCode.OK


async def unpair(configuration: Configuration, channel: str, person_id: str) -> ExitCode:
    """Remove a paired person. Raises `NotFound` if the person isn't paired."""
    require_platform(channel)
    async with _pairings(configuration) as pairings:
        removed = await pairings.unpair(channel, person_id)
    settings = platforms_of(configuration).get(channel)
    listed = settings is not None and person_id in settings.allow_from
    also = f"allow_from of [channels.{channel}] lists {sanitize(person_id)}: remove it there, too."
    if not removed:
        raise NotFound(
            f"Nobody with the id {sanitize(person_id)} is paired with {channel}."
            + (f" {also}" if listed else " To list people: thinkaloud channels people")
        )
    print_notice(f"Unpaired {sanitize(person_id)} from {channel}.", "green")
    if listed:
        print_notice(also)
    return ExitCode.OK


async def list_people(configuration: Configuration, channel: str | None, *, json: bool) -> ExitCode:
    """Print everybody who may use the channels, and who waits for approval."""
    if channel is not None:
        require_platform(channel)
    found = {
        (name, person_id): PersonEntry(name, person_id, "", "allow_from")
        for name, settings in platforms_of(configuration).items()
        if channel in {None, name}
        for person_id in settings.allow_from
    }
    if configuration.settings.store.kind != "memory":
        async with _pairings(configuration) as pairings:
            for each in await pairings.people(channel):
                key = (each.channel, each.id)
                access = "allow_from" if key in found else "paired"
                found[key] = PersonEntry(*key, each.name, access, each.paired_at_ms)
            for code in await pairings.pending(channel):
                key = (code.channel, code.id)
                found.setdefault(key, PersonEntry(*key, code.name, "waiting"))
    if json:
        print(json_document(list(found.values())), end="")  # noqa: T201 - the output of the command
        return ExitCode.OK
    if not found:
        print_notice("Nobody may use the chat channels yet.")
        return ExitCode.OK
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Channel", "ID", "Name", "Access"):
        table.add_column(title, overflow="fold")
    for each in found.values():
        table.add_row(
            each.channel, Text(sanitize(each.id)), Text(one_line(each.name, 60)), _access(each)
        )
    Console(highlight=False).print(table)
    return ExitCode.OK


def _access(person: PersonEntry) -> str:
    if person.access == "waiting":
        return "waiting for approval"
    ways = ["everybody" if person.id == "*" else "allow_from"] * (person.access == "allow_from")
    if person.paired_at_ms is not None:
        when = datetime.fromtimestamp(person.paired_at_ms / 1000, UTC).astimezone()
        ways.append(f"paired {when:%Y-%m-%d}")
    return ", ".join(ways)
