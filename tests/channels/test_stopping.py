"""The server stops, whatever the channels of plugins do."""

import asyncio

import pytest
from typing_extensions import override

from tests.channels.recording import Recorder, Whole, message
from thinkaloud.channels import ChannelManager
from thinkaloud.channels.message import OutboundMessage


async def test_a_channel_that_hangs_on_stopping_is_given_up_and_the_others_are_stopped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Hanging(Whole):
        @override
        async def stop(self) -> None:
            await asyncio.Event().wait()

    other = Recorder()
    async with (
        asyncio.timeout(10),
        ChannelManager([Hanging("one"), Hanging("two"), other], drain_seconds=0.05).open(),
    ):
        pass
    assert "channel one did not stop in time" in caplog.text
    assert other.of("")[-1] == ("stop", "")


class Stubborn(Whole):
    """Waits in one of its methods, also when it is cancelled."""

    def __init__(self, where: str, end: asyncio.Event) -> None:
        super().__init__("rec")
        self.where = where
        self.end = end

    async def wait(self, where: str) -> None:
        while where == self.where and not self.end.is_set():
            try:
                await self.end.wait()
            except asyncio.CancelledError:
                continue

    @override
    async def start(self) -> None:
        await self.wait("start")

    @override
    async def send(self, msg: OutboundMessage) -> None:
        await self.wait("send")

    @override
    async def stop(self) -> None:
        await self.wait("stop")


@pytest.mark.parametrize("where", ["start", "send", "stop"])
async def test_a_channel_that_ignores_its_cancellation_does_not_keep_the_server_from_stopping(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    end = asyncio.Event()
    other = Recorder("other")
    manager = ChannelManager([Stubborn(where, end), other], drain_seconds=0.02, close_seconds=0.02)
    try:
        async with asyncio.timeout(10), manager.open():
            manager.dispatch(message("Hello."))
            await asyncio.sleep(0)
    finally:
        end.set()  # Otherwise, the event loop waits for it.
        await asyncio.sleep(0)
    assert "channels of plugins are abandoned" in caplog.text
    assert other.of("")[-1] == ("stop", "")
