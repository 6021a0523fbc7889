"""The contract suite on the scripted platform: it shows that the layer does its part."""

from contextlib import AbstractAsyncContextManager

from tests.channels.platform.contract import ChannelContract
from tests.channels.platform.driver import Driver, DriverSetup
from tests.channels.platform.scripted_driver import scripted_driver
from thinkaloud.providers.scripted import Script


class TestScriptedPlatform(ChannelContract):
    def opened(self, setup: DriverSetup, *scripts: Script) -> AbstractAsyncContextManager[Driver]:
        return scripted_driver(setup, *scripts)
