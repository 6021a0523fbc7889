"""What a chat shows for a run: while it is active, at its end, and when the platform refuses."""

import asyncio

from tests.channels.platform.chatting import chatting
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.providers.scripted import Wait, say, think
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore


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
