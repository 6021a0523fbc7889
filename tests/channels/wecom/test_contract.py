"""The contract suite on WeCom."""

from contextlib import AbstractAsyncContextManager

from tests.channels.platform.contract import ChannelContract
from tests.channels.platform.driver import Driver, DriverSetup
from tests.channels.wecom.driver import wecom_driver
from thinkaloud.providers.scripted import Script


class TestWeCom(ChannelContract):
    def opened(self, setup: DriverSetup, *scripts: Script) -> AbstractAsyncContextManager[Driver]:
        return wecom_driver(setup, *scripts)
