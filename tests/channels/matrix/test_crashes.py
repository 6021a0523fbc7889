"""A crash of the server at any call loses no text in a Matrix room and repeats none."""

from tests.channels.all_platforms.crashing import Conversation
from tests.channels.matrix.driver import matrix_driver
from tests.channels.matrix.homeserver import Homeserver
from tests.channels.platform.driver import DriverSetup


async def test_a_crash_before_or_after_any_call_loses_and_repeats_nothing(
    synapse: Homeserver,
) -> None:
    conversation = Conversation(doubles=False)
    setup = DriverSetup({"allow_from": ["*"]})
    async with matrix_driver(synapse, setup, conversation.script(0)) as driver:
        assert await conversation.crash_at_each_point(driver) >= 4
