"""What a chat shows for a run: while it is active, at its end, and when the platform refuses."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.channels.platform.clocks import SteppedClock
from tests.channels.platform.lab import Lab, Setup, channel_lab
from tests.channels.platform.scripted import ScriptedPlatform, message
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Limits, PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.providers.scripted import Script, Wait, say, think
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


@asynccontextmanager
async def chatting(
    *scripts: Script,
    settings: PlatformSettings | None = None,
    state: ChannelState | None = None,
    store: MemoryStore | None = None,
    limits: Limits | None = None,
    reasoning_allowed: bool = True,
) -> AsyncGenerator[Chat]:
    platforms: list[ScriptedPlatform] = []
    clock = SteppedClock()

    def make(settings: PlatformSettings, context: PlatformContext) -> ScriptedPlatform:
        platforms.append(ScriptedPlatform(settings, context, limits))
        return platforms[-1]

    setup = Setup(
        settings=settings or PlatformSettings(allow_from=("ada",)),
        clock=clock,
        store=store,
        reasoning_allowed=reasoning_allowed,
    )
    async with channel_lab(make, state or MemoryChannelState(), setup, *scripts) as lab:
        while not platforms or platforms[-1].inbox is None:
            await asyncio.sleep(0)
        yield Chat(lab, platforms, clock)


async def test_an_answer_is_shown() -> None:
    async with chatting([say("It is ", "blue.")]) as chat:
        await chat.says("Which color?")
        await chat.shows("It is blue.")
        assert len(chat.platform.bubbles) == 1


async def test_a_thought_is_live_and_then_folded_above_the_answer() -> None:
    go = asyncio.Event()
    async with chatting([think("Sky… "), Wait(go), think("blue"), say("Blue.")]) as chat:
        await chat.says("Which color?")
        await chat.shows("<Thinking: Sky… >")
        go.set()
        await chat.shows("<Thought for 1 s: Sky… blue>\nBlue.")


async def test_the_final_is_shown_after_a_rate_limit_and_a_lost_connection() -> None:
    go = asyncio.Event()
    async with chatting([say("One"), Wait(go), say(" two")]) as chat:
        await chat.says("Count")
        await chat.shows("One")
        chat.platform.failures = [RetryLater(30), Transient("down"), RetryLater(5, "updates")]
        go.set()
        await chat.shows("One two")
        assert chat.platform.failures == []


async def test_an_answer_that_the_platform_rejects_is_said_another_way() -> None:
    go = asyncio.Event()
    async with chatting([Wait(go), say("Hello")]) as chat:
        await chat.says("Hi")
        await chat.clock.advance(1)
        chat.platform.failures = [Rejected("no such markup")]
        go.set()
        await chat.shows("Hello")


async def test_after_a_restart_the_same_message_is_completed() -> None:
    state, store = MemoryChannelState(), MemoryStore()
    go = asyncio.Event()
    async with chatting([say("Half"), Wait(go)], state=state, store=store) as first:
        await first.says("Say all")
        await first.shows("Half")
    async with chatting(state=state, store=store) as second:
        second.platform.bubbles = first.platform.bubbles
        await second.shows("Half\nThe server shut down before the run finished.")
        assert len(second.platform.bubbles) == 1
    assert await state.entries("delivery") == []
