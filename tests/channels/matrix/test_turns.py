"""A long answer keeps no other chat waiting while it is rendered for Matrix."""

from tests.channels.all_platforms.turns import MOST_CALLS, most_calls, slow_script
from tests.channels.matrix.driver import matrix_driver
from tests.channels.matrix.homeserver import Homeserver
from tests.channels.platform.driver import DriverSetup


async def test_a_slow_text_is_rendered_without_keeping_the_event_loop(synapse: Homeserver) -> None:
    setup = DriverSetup({"allow_from": ["*"]})
    async with matrix_driver(synapse, setup, slow_script()) as driver:
        assert await most_calls(driver) < MOST_CALLS
