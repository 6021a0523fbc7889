"""A channel that crashes, hangs or is misconfigured affects only itself, and reports the problem."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.channels.platform.clocks import SteppedClock, settle
from tests.channels.platform.lab import Lab, Make, Setup, channel_lab
from tests.channels.platform.scripted import ScriptedPlatform
from thinkaloud.channels.platform.built_in import MissingExtra
from thinkaloud.channels.platform.errors import Misconfigured, Transient
from thinkaloud.channels.platform.platform import Inbox, PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.stores.channel_state import MemoryChannelState

TOKEN = "12345:token-canary"


class Failing(ScriptedPlatform):
    """Fails to connect with these errors, one after the other, and then connects."""

    errors: list[Exception]

    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        if self.errors:
            raise self.errors.pop(0)
        await super().run(inbox, ready)


@asynccontextmanager
async def failing(errors: Sequence[Exception], clock: SteppedClock) -> AsyncGenerator[Lab]:
    left = list(errors)

    def make(settings: PlatformSettings, context: PlatformContext) -> ScriptedPlatform:
        platform = Failing(settings, context)
        platform.errors = left
        return platform

    async with opened(make, clock) as lab:
        yield lab


@asynccontextmanager
async def opened(make: Make, clock: SteppedClock) -> AsyncGenerator[Lab]:
    async with channel_lab(make, MemoryChannelState(), Setup(clock=clock)) as lab:
        await settle()
        yield lab


async def test_a_lost_connection_is_made_again_with_a_growing_delay() -> None:
    clock = SteppedClock()
    errors = [Transient("no network"), Transient("no network"), Transient("no network")]
    async with failing(errors, clock) as lab:
        status = lab.channel.status
        assert (status.condition, status.detail, status.healthy) == (
            "retrying",
            "no network",
            False,
        )
        await clock.advance(1)
        assert lab.channel.status.restarts == 2
        await clock.advance(1.5)
        assert lab.channel.status.condition == "retrying"
        await clock.advance(5)
        assert (lab.channel.status.condition, lab.channel.status.healthy) == ("running", True)


async def test_an_unexpected_exception_is_reported_without_its_message() -> None:
    error = RuntimeError(f"POST https://api.example/bot{TOKEN}/getMe failed")
    async with failing([error], SteppedClock()) as lab:
        assert "RuntimeError" in lab.channel.status.detail
        assert TOKEN not in repr(lab.channel.status)


async def test_a_misconfigured_channel_is_tried_seldom_and_its_reason_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = SteppedClock()
    async with failing([Misconfigured("The token is wrong.")], clock) as lab:
        await clock.advance(200)
        status = lab.channel.status
        assert (status.condition, status.detail) == ("failed", "The token is wrong.")
        assert "channel scripted: The token is wrong." in caplog.messages
        await clock.advance(200)
        assert lab.channel.status.condition == "running"


async def test_a_missing_library_fails_the_channel_with_the_command_that_installs_it() -> None:
    def make(settings: PlatformSettings, context: PlatformContext) -> ScriptedPlatform:
        raise MissingExtra("Run: pip install 'thinkaloud[telegram]'")

    async with opened(make, SteppedClock()) as lab:
        assert lab.channel.status.condition == "failed"
        assert "pip install 'thinkaloud[telegram]'" in lab.channel.status.detail


async def test_a_channel_that_hangs_while_it_connects_is_reported() -> None:
    class Hanging(ScriptedPlatform):
        async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
            await asyncio.Event().wait()

    clock = SteppedClock()
    async with opened(Hanging, clock) as lab:
        assert lab.channel.status.detail == "It is connecting."
        assert lab.channel.status.healthy
        await clock.advance(61)
        assert not lab.channel.status.healthy
