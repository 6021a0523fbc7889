"""The contract suite on Discord."""

from contextlib import AbstractAsyncContextManager

from tests.channels.discord.driver import discord_driver
from tests.channels.platform.contract import ChannelContract
from tests.channels.platform.driver import Driver, DriverSetup
from thinkaloud.providers.scripted import Script


class TestDiscord(ChannelContract):
    def opened(self, setup: DriverSetup, *scripts: Script) -> AbstractAsyncContextManager[Driver]:
        return discord_driver(setup, *scripts)
