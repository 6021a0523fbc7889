"""The channel contract suite on Telegram."""

from contextlib import AbstractAsyncContextManager

from tests.channels.platform.contract import ChannelContract
from tests.channels.platform.driver import Driver, DriverSetup
from tests.channels.telegram.driver import telegram_driver
from thinkaloud.providers.scripted import Script


class TestTelegram(ChannelContract):
    def opened(self, setup: DriverSetup, *scripts: Script) -> AbstractAsyncContextManager[Driver]:
        return telegram_driver(setup, *scripts)
