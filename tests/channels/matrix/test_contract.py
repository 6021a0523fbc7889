"""The channel contract suite on Matrix."""

from contextlib import AbstractAsyncContextManager

import pytest

from tests.channels.matrix.driver import matrix_driver
from tests.channels.matrix.homeserver import Homeserver
from tests.channels.platform.contract import ChannelContract
from tests.channels.platform.driver import Driver, DriverSetup
from thinkaloud.providers.scripted import Script


@pytest.mark.timeout(240)
class TestMatrix(ChannelContract):
    @pytest.fixture(autouse=True)
    def connect(self, synapse: Homeserver) -> None:
        self.server = synapse

    def opened(self, setup: DriverSetup, *scripts: Script) -> AbstractAsyncContextManager[Driver]:
        return matrix_driver(self.server, setup, *scripts)
