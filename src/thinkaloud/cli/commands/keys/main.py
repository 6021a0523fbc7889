"""`thinkaloud keys`: manages the API keys of the data directory, also while a server uses them."""

import asyncio
from typing import Any, Final, assert_never

from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinkaloud.app.access import open_access
from thinkaloud.auth.access import Access
from thinkaloud.auth.administration import Issued
from thinkaloud.auth.audit import TERMINAL
from thinkaloud.auth.key_fields import (
    KeyChange,
    KeyFields,
    checked_change,
    checked_fields,
    grace_ms,
)
from thinkaloud.cli.commands.keys.listing import as_json, day, restrictions, status
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import KeyOptions
from thinkaloud.cli.ui.sanitize import json_document, one_line, sanitize
from thinkaloud.config import Configuration, load
from thinkaloud.errors import InvalidRequest
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.keys import ApiKey

CLEARABLE: Final = (
    "expires",
    "models",
    "max_effort",
    "reasoning_field",
    "requests_per_minute",
    "concurrent_runs",
    "tokens_per_day",
)
"""Fields that `keys edit --clear` can remove."""


def run(options: KeyOptions) -> ExitCode:
    """Run one action. Raises `ThinkaloudError`."""
    return asyncio.run(_run(load(options.config), options))


async def _run(configuration: Configuration, options: KeyOptions) -> ExitCode:
    async with open_access(configuration) as access:
        match options.action:
            case "create":
                await _create(configuration, access, options)
            case "list":
                await _list(access, options)
            case "edit":
                await _edit(access, options)
            case "rotate":
                grace = grace_ms(options.grace)
                _print_issued(
                    await access.administration.rotate(options.key_id, grace, TERMINAL), options
                )
            case "revoke":
                await _revoke(configuration, access, options)
            case _:
                assert_never(options.action)
    return ExitCode.OK


async def _create(configuration: Configuration, access: Access, options: KeyOptions) -> None:
    fields = checked_fields(
        KeyFields(name=options.name or "", owner=options.owner, **options.fields)
    )
    if "admin" in (fields.scopes or ()) and fields.role != "admin":
        raise InvalidRequest("The scope admin requires --role admin.", field="scopes")
    _print_issued(await access.administration.create(fields, TERMINAL), options)
    if configuration.settings.auth.mode == "off":
        print_notice(
            'The server doesn\'t require keys yet: set `mode = "keys"` under [auth] in'
            " thinkaloud.toml, and restart it."
        )


def _print_issued(issued: Issued, options: KeyOptions) -> None:
    if options.json:
        shown = {**as_json(issued.key), "key": issued.value.text()}
        print(json_document(shown), end="")  # noqa: T201 - the output of the command
        return
    print(issued.value.text())  # noqa: T201 - the output of the command
    print_notice("Save this key now: it is not shown again.")


async def _list(access: Access, options: KeyOptions) -> None:
    keys = await access.administration.keys()
    if options.json:
        print(json_document([as_json(key) for key in keys]), end="")  # noqa: T201 - the output
        return
    if not keys:
        print_notice("There are no keys. To create one: thinkaloud keys create NAME")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("ID", "Name", "Owner", "Role", "State", "Last use", "Restrictions"):
        table.add_column(title, overflow="fold")
    now = SystemClock().unix_ms()
    for key in keys:
        table.add_row(
            key.key_id,
            Text(one_line(key.name, 64)),
            Text(one_line(key.owner, 64)),
            key.role,
            status(key, now),
            "never" if key.last_used_ms is None else day(key.last_used_ms),
            Text(sanitize(restrictions(key))),
        )
    Console(highlight=False).print(table)


async def _edit(access: Access, options: KeyOptions) -> None:
    given: dict[str, Any] = dict(options.fields)
    if options.name is not None:
        given["name"] = options.name
    unknown = [name for name in options.clear if name not in CLEARABLE]
    if unknown:
        raise InvalidRequest(
            f"--clear {unknown[0]}: use one of {', '.join(CLEARABLE)}.", field="clear"
        )
    given |= dict.fromkeys(options.clear)
    if not given:
        raise InvalidRequest("Give at least one option: see thinkaloud keys edit --help.")
    change = checked_change(KeyChange(**given))
    key = await access.administration.edit(options.key_id, change, TERMINAL)
    _print_key(key, options, "Changed")


async def _revoke(configuration: Configuration, access: Access, options: KeyOptions) -> None:
    key = await access.administration.revoke(options.key_id, TERMINAL)
    _print_key(key, options, "Revoked")
    now = SystemClock().unix_ms()
    is_last = not any(each.is_admin(now) for each in await access.administration.keys())
    if key.role == "admin" and is_last and configuration.settings.auth.mode == "keys":
        print_notice("There is no admin key left: thinkaloud keys create NAME --role admin")


def _print_key(key: ApiKey, options: KeyOptions, done: str) -> None:
    if options.json:
        print(json_document(as_json(key)), end="")  # noqa: T201 - the output of the command
    else:
        print_notice(f"{done} {key.key_id} ({sanitize(key.name)}).", "green")
