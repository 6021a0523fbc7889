"""The server stops, whatever the libraries of its channels do."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import override

from tests.channels.platform.clocks import settle
from tests.channels.platform.lab import Make, Setup, channel_lab
from tests.channels.platform.scripted import ScriptedPlatform, message
from thinkaloud.app.chat_platforms import open_platforms
from thinkaloud.app.runtime import Choices, open_runtime
from thinkaloud.channels.platform.built_in import BuiltIn
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Inbox, PlatformContext, Sent
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.config import ChannelsSection, Configuration, Settings
from thinkaloud.providers.scripted import Script, ScriptedModel, say
from thinkaloud.stores.channel_state import MemoryChannelState

closing: list[str] = []
all_closing = asyncio.Event()


class WaitingForAll(ScriptedPlatform):
    """Closes only once all three do."""

    @override
    async def close(self) -> None:
        closing.append(self.context.name)
        if len(closing) == 3:
            all_closing.set()
        await all_closing.wait()
        self.closed = True


async def test_channels_close_at_the_same_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = BuiltIn(
        "thinkaloud.channels.platform.settings:PlatformSettings", f"{__name__}:WaitingForAll", ""
    )
    sections = {name: PlatformSettings() for name in ("one", "two", "three")}
    settings = Settings(channels=ChannelsSection(platforms=sections))
    configured = Configuration(settings, None, tmp_path, {})
    async with (
        open_runtime(configured, Choices(model=ScriptedModel())) as runtime,
        open_platforms(runtime, dict.fromkeys(sections, made)) as platforms,
    ):
        while any(each.status.condition == "starting" for each in platforms.channels):
            await settle()
    assert sorted(closing) == ["one", "three", "two"]
    assert not [each for each in caplog.messages if "close" in each]


async def stubborn(end: asyncio.Event) -> None:
    """Wait, as a library that ignores its cancellation."""
    while not end.is_set():
        try:
            await end.wait()
        except asyncio.CancelledError:
            continue


class Receiving(ScriptedPlatform):
    """Receives on when it is cancelled."""

    end: asyncio.Event

    @override
    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        ready()
        await stubborn(self.end)


class Showing(ScriptedPlatform):
    """Hangs in a call, also when it is cancelled."""

    end: asyncio.Event

    @override
    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        await stubborn(self.end)
        return True


class Closing(ScriptedPlatform):
    """Doesn't close."""

    end: asyncio.Event

    @override
    async def close(self) -> None:
        await stubborn(self.end)


@pytest.mark.parametrize("kind", [Receiving, Showing, Closing])
async def test_a_library_that_ignores_its_cancellation_is_left_behind_with_a_line_in_the_log(
    kind: type[Receiving | Showing | Closing], caplog: pytest.LogCaptureFixture
) -> None:
    end = asyncio.Event()

    def make(settings: PlatformSettings, context: PlatformContext) -> ScriptedPlatform:
        platform = kind(settings, context)
        platform.end = end
        return platform

    await opened_and_closed(make, [say("Blue.")])
    end.set()  # Before the assertion: the event loop would wait for it.
    await settle()
    assert "channel scripted is abandoned: its library ignores cancellation" in caplog.messages


class Swallowing(ScriptedPlatform):
    """Returns when it is cancelled."""

    runs = 0

    @override
    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        type(self).runs += 1
        ready()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return


async def test_a_library_that_returns_when_it_is_cancelled_is_not_connected_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Swallowing.runs = 0
    await opened_and_closed(Swallowing, [])
    assert Swallowing.runs == 1
    assert not [each for each in caplog.messages if "in time" in each]


async def opened_and_closed(make: Make, script: Script) -> None:
    setup = Setup(close_seconds=0.05)
    async with channel_lab(make, MemoryChannelState(), setup, script) as lab:
        await settle()
        await lab.channel.inbox.receive(message("Which color?"))
        await settle()
