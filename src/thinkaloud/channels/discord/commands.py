"""The slash commands of the bot."""

import logging
from collections.abc import Sequence
from typing import Final, cast

from thinkaloud.channels.discord.api import Api, Json
from thinkaloud.channels.platform.actions import COMMANDS, CommandInfo
from thinkaloud.channels.platform.errors import PlatformError

_CHAT_INPUT, _STRING = 1, 3
_GUILD_INSTALL: Final = 0
_GUILD, _BOT_DM = 0, 1
_log = logging.getLogger(__name__)


async def publish_commands(api: Api, application: str) -> None:
    """Register the commands if they aren't. Discord allows 200 registrations a day.

    The bot works without them, so errors are logged.
    """
    path = f"/applications/{application}/commands"
    wanted = [_command(each) for each in COMMANDS]
    try:
        found = await api.request("GET", path)
        if _essence(found) != _essence(wanted):
            await api.request("PUT", path, wanted)
    except PlatformError as error:
        _log.warning("discord: the slash commands are not registered: %s", error.message)


def _command(info: CommandInfo) -> Json:
    return {
        "type": _CHAT_INPUT,
        "name": info.name,
        "description": info.description,
        "options": [_option(info)] if info.argument else [],
        "integration_types": [_GUILD_INSTALL],
        "contexts": [_GUILD, _BOT_DM],
    }


def _option(info: CommandInfo) -> Json:
    inner = info.argument.strip("[]")
    option: Json = {"type": _STRING, "required": False}
    if "|" in inner:
        choices = [{"name": each, "value": each} for each in inner.split("|")]
        return {**option, "name": "mode", "description": "The mode", "choices": choices}
    return {**option, "name": inner.lower(), "description": f"The {inner.lower()} to use"}


def _essence(commands: object) -> Sequence[object]:
    """Return what matters of commands, which Discord lists with more fields."""
    rows: Sequence[Json] = cast("Sequence[Json]", commands) if isinstance(commands, list) else []
    return sorted([_row(each) for each in rows], key=str)


def _row(command: Json) -> Sequence[object]:
    options = cast("Sequence[Json]", command.get("options") or [])
    return [
        command.get("name"),
        command.get("description"),
        [_option_row(each) for each in options],
    ]


def _option_row(option: Json) -> Sequence[object]:
    choices = cast("Sequence[Json]", option.get("choices") or [])
    values = [choice.get("value") for choice in choices]
    return [option.get("name"), option.get("type"), option.get("description"), values]
