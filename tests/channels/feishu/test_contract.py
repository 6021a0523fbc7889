"""The contract suite on Feishu."""

from contextlib import AbstractAsyncContextManager

from tests.channels.feishu.driver import feishu_driver
from tests.channels.platform.contract import ChannelContract
from tests.channels.platform.driver import Driver, DriverSetup
from thinkaloud.providers.scripted import Script


class TestFeishu(ChannelContract):
    def opened(self, setup: DriverSetup, *scripts: Script) -> AbstractAsyncContextManager[Driver]:
        return feishu_driver(setup, *scripts)
