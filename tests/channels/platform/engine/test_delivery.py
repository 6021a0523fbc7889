"""What a chat shows for a run: while it is active, at its end, and when the platform refuses."""

import asyncio

import msgspec

from tests.channels.platform.chatting import ADA, chatting
from tests.channels.platform.clocks import settle
from thinkaloud.channels.platform.engine.delivery import DeliveryRecord
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.channels.platform.platform import Limits
from thinkaloud.channels.platform.settings import PlatformSettings
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


async def test_an_answer_that_ended_while_the_platform_was_down_arrives_after_the_restart() -> None:
    state, store = MemoryChannelState(), MemoryStore()
    go = asyncio.Event()
    async with chatting([Wait(go), say("The answer.")], state=state, store=store) as chat:
        await chat.says("Why?")
        chat.platform.failures = [Transient("down")] * 1000
        go.set()
        await chat.clock.advance(30)
        assert chat.platform.texts(ADA) == []
    async with chatting(state=state, store=store) as chat:
        await chat.shows("The answer.")
        await chat.lab.channel.quiet()
    assert await state.entries("delivery") == []


async def test_a_message_that_was_accepted_just_before_a_crash_is_answered_after_it() -> None:
    state, store = MemoryChannelState(), MemoryStore()
    async with chatting([say("Never sent.")], state=state, store=store) as chat:
        await chat.says("Why?")
        (entry,) = await state.entries("delivery")
    assert b"Why?" not in entry.value
    record = msgspec.json.decode(entry.value, type=DeliveryRecord)
    accepted = msgspec.structs.replace(
        record,
        run_id=None,
        order=msgspec.structs.replace(record.order, text="Why?", key="channel:other"),
    )
    await state.put("scripted", "delivery", entry.key, msgspec.json.encode(accepted))
    async with chatting([say("Blue.")], state=state, store=store) as chat:
        await chat.shows("Blue.")
        assert len(chat.lab.model.requests) == 1


async def test_two_answers_of_a_chat_come_one_after_the_other() -> None:
    async with chatting([say("One.")], [say("Two.")]) as chat:
        chat.platform.is_down_for = lambda text: "One." in text
        await chat.says("First", "1")
        await chat.says("Second", "2")
        await chat.clock.advance(10)
        assert chat.platform.texts(ADA) == []
        chat.platform.is_down_for = lambda _: False
        await chat.shows("Two.")
        assert chat.platform.texts(ADA) == ["One.", "Two."]


async def test_a_mode_that_is_turned_off_midway_takes_the_thought_away() -> None:
    go = asyncio.Event()
    async with chatting([think("Secret"), Wait(go), say("Blue.")]) as chat:
        await chat.says("Why?", "1")
        await chat.shows("<Thinking: Secret>")
        await chat.says("/thinking off", "2")
        go.set()
        await chat.lab.channel.quiet()
        assert chat.platform.bubbles[0].text == "Blue."


async def test_a_refused_run_is_explained_and_leaves_nothing_behind() -> None:
    state = MemoryChannelState()
    settings = PlatformSettings(allow_from=("ada",), model="no/such")
    async with chatting(state=state, settings=settings) as chat:
        await chat.says("Hi")
        await chat.lab.channel.quiet()
        assert "no/such" in chat.platform.texts(ADA)[-1]
    assert await state.entries("delivery") == []


async def test_updates_wait_for_the_pace_and_skip_what_is_outdated() -> None:
    steps = [asyncio.Event() for _ in range(5)]
    script = [each for n, step in enumerate(steps) for each in (*say(f"{n} "), Wait(step))]
    async with chatting([script], limits=Limits(edit_seconds=2)) as chat:
        await chat.says("Count")
        await chat.shows("0 ")
        calls = len(chat.platform.calls)
        for step in steps[:4]:
            step.set()
            await settle()
        assert len(chat.platform.calls) == calls
        await chat.clock.advance(2)
        assert chat.platform.calls[calls:] == ["0 1 2 3 4 "]
        steps[4].set()
        await chat.lab.channel.quiet()


async def test_a_final_obeys_a_rate_limit_even_if_it_is_meant_for_updates() -> None:
    go = asyncio.Event()
    script = [*say("Do"), Wait(go), *say("ne.")]
    async with chatting([script], limits=Limits(edit_seconds=5, pace_final=False)) as chat:
        await chat.says("Go")
        await chat.shows("Do")
        chat.platform.failures = [RetryLater(30, "updates")]
        go.set()
        await settle()
        await chat.clock.advance(20)
        assert (chat.platform.failures, chat.platform.texts(ADA)) == ([], ["Do"])
        await chat.shows("Done.")
