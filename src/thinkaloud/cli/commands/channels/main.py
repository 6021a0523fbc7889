"""Runs one action of `thinkaloud channels`."""

import asyncio
from collections.abc import Coroutine
from typing import assert_never

from thinkaloud.cli.commands.channels.adding import add
from thinkaloud.cli.commands.channels.checking import test_channels
from thinkaloud.cli.commands.channels.listing import list_channels
from thinkaloud.cli.commands.channels.login import login
from thinkaloud.cli.commands.channels.people import list_people, pair, unpair
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import ChannelOptions
from thinkaloud.config import Configuration, load


def run(options: ChannelOptions) -> ExitCode:
    """Run one action. Raises `ThinkaloudError`."""
    return asyncio.run(_action(load(options.config), options))


def _action(
    configuration: Configuration, options: ChannelOptions
) -> Coroutine[object, object, ExitCode]:
    channel, json = options.channel, options.json
    match options.action:
        case "list":
            action = list_channels(configuration, json=json)
        case "add":
            action = add(configuration, options)
        case "test":
            action = test_channels(configuration, channel, json=json)
        case "login":
            action = login(configuration, channel)
        case "pair":
            action = pair(configuration, options.text, options.owner)
        case "unpair":
            action = unpair(configuration, channel, options.text)
        case "people":
            action = list_people(configuration, channel or None, json=json)
        case _:
            assert_never(options.action)
    return action
