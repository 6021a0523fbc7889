"""The channel contract suite on the fake Slack, with its real limits."""

from contextlib import AbstractAsyncContextManager

from tests.channels.platform.contract import ChannelContract
from tests.channels.platform.driver import Driver, DriverSetup
from tests.channels.slack.driver import slack_driver
from thinkaloud.providers.scripted import Script


class TestSlack(ChannelContract):
    def opened(self, setup: DriverSetup, *scripts: Script) -> AbstractAsyncContextManager[Driver]:
        return slack_driver(setup, *scripts)
