"""A chat on the scripted platform, with a clock that the test advances."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.channels.platform.clocks import SteppedClock
from tests.channels.platform.lab import Lab, Setup, channel_lab
from tests.channels.platform.scripted import DocumentPlatform, ScriptedPlatform, message
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Limits, PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.config import Settings
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore

ADA = ChatAddress("scripted", "ada")


class Chat:
    """A person's chat with the scripted platform."""

    def __init__(self, lab: Lab, platforms: list[ScriptedPlatform], clock: SteppedClock) -> None:
        self.lab = lab
        self.platforms = platforms
        self.clock = clock

    @property
    def platform(self) -> ScriptedPlatform:
        return self.platforms[-1]

    async def says(self, text: str, message_id: str = "1", **who: object) -> None:
        await self.lab.channel.inbox.receive(message(text, message_id, **who))  # type: ignore[arg-type]

    async def shows(self, text: str, chat: ChatAddress = ADA) -> None:
        """Wait until the chat shows exactly this in its last message; time passes as needed."""
        for _ in range(400):
            if self.platform.texts(chat)[-1:] == [text]:
                return
            await asyncio.sleep(0.002)
            await self.clock.advance(0.1)
        raise AssertionError(self.platform.texts(chat))

    async def finished(self) -> None:
        """Wait until no answer is on its way; time passes as needed."""
        for _ in range(400):
            if self.lab.channel.status.pending == 0:
                return
            await asyncio.sleep(0.002)
            await self.clock.advance(0.1)
        raise AssertionError(self.lab.channel.status)


@asynccontextmanager
async def chatting(
    *scripts: Script,
    settings: PlatformSettings | None = None,
    state: ChannelState | None = None,
    store: MemoryStore | None = None,
    limits: Limits | None = None,
    reasoning_allowed: bool = True,
    configured: Settings | None = None,
    documents: bool = False,
) -> AsyncGenerator[Chat]:
    platforms: list[ScriptedPlatform] = []
    clock = SteppedClock()

    def make(settings: PlatformSettings, context: PlatformContext) -> ScriptedPlatform:
        kind = DocumentPlatform if documents else ScriptedPlatform
        platforms.append(kind(settings, context, limits))
        return platforms[-1]

    setup = Setup(
        settings=settings or PlatformSettings(allow_from=("ada", "bob")),
        configured=configured or Settings(),
        clock=clock,
        store=store,
        reasoning_allowed=reasoning_allowed,
    )
    async with channel_lab(make, state or MemoryChannelState(), setup, *scripts) as lab:
        while not platforms or platforms[-1].inbox is None:
            await asyncio.sleep(0)
        yield Chat(lab, platforms, clock)
