"""After a crash: accepted messages whose runs haven't started, and unreadable state."""

import asyncio

import msgspec
from typing_extensions import override

from tests.channels.platform.chatting import ADA, chatting
from tests.channels.platform.clocks import settle
from tests.channels.platform.engine.test_faults import LockedState
from tests.channels.platform.scripted import message
from thinkaloud.channels.platform.engine.delivery import DeliveryRecord, delivery_key
from thinkaloud.channels.platform.engine.runs import RunOrder
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.config import ServerSection, Settings
from thinkaloud.errors import StoreError
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.ports.store import Accepted, RunStart, Token
from thinkaloud.providers.scripted import Wait, say
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore

ONE_RUN = Settings(server=ServerSection(max_active_runs=1))
BOB = ChatAddress("scripted", "bob")


async def accepted(
    state: ChannelState, person: str, text: str, number: str = "1", *, model: str | None = None
) -> None:
    """Leave a message as a process does that crashes before the run has started."""
    came = message(text, number, chat=person, sender=person)
    key = delivery_key(came.chat, number)
    order = RunOrder("local", f"scripted:{person}", text, f"channel:{key}", model=model)
    record = DeliveryRecord(came.chat, came.origin, order, 1_790_000_000_000)
    await state.put("scripted", "delivery", key, msgspec.json.encode(record))


async def test_a_message_from_before_a_crash_is_answered_once_there_is_room_for_its_run() -> None:
    state, go = MemoryChannelState(), asyncio.Event()
    await accepted(state, "ada", "First?")
    await accepted(state, "bob", "Second?")
    scripts = ([Wait(go), say("One.")], [say("Two.")])
    async with chatting(*scripts, state=state, configured=ONE_RUN) as chat:
        await chat.clock.advance(30)
        assert chat.platform.texts(BOB) == []
        go.set()
        await chat.shows("Two.", BOB)
        await chat.lab.channel.quiet()
    assert await state.entries("delivery") == []


class FullDisk(MemoryStore):
    """Cannot store the first run."""

    refusals = 1

    @override
    async def accept(
        self, start: RunStart, token: Token | None = None, *, take: bool = True
    ) -> Accepted:
        if self.refusals:
            self.refusals -= 1
            raise StoreError("the disk is full")
        return await super().accept(start, token, take=take)


async def test_messages_of_one_chat_from_before_a_crash_are_answered_in_their_order() -> None:
    state = MemoryChannelState()
    await accepted(state, "ada", "First?", "1")
    await accepted(state, "ada", "Second?", "2")
    scripts = ([say("One.")], [say("Two.")])
    async with chatting(*scripts, state=state, store=FullDisk()) as chat:
        await chat.shows("Two.")
        assert chat.platform.texts(ADA) == ["One.", "Two."]
        asked = [str(request) for request in chat.lab.model.requests]
        assert ["Second?" in each for each in asked] == [False, True]


async def test_a_person_is_told_if_a_message_from_before_a_crash_can_not_be_answered() -> None:
    state, never = MemoryChannelState(), asyncio.Event()
    await accepted(state, "ada", "Hold the only place")
    await accepted(state, "bob", "Will it *rain*?")
    async with chatting([Wait(never)], state=state, configured=ONE_RUN) as chat:
        await chat.clock.advance(14 * 60)
        assert chat.platform.texts(BOB) == []
        await chat.clock.advance(2 * 60)
        (bubble,) = [each for each in chat.platform.bubbles if each.chat == BOB]
        assert "“Will it *rain*?”" in bubble.visible
        assert "Too many runs are active" in bubble.visible
        assert len(await state.entries("delivery")) == 1


async def test_a_model_that_is_gone_after_a_crash_is_explained_at_once() -> None:
    state = MemoryChannelState()
    await accepted(state, "bob", "Hello?", model="no/such")
    async with chatting(state=state) as chat:
        await settle()
        assert (
            "There is no model no/such. /model lists the models."
            in chat.platform.bubbles[0].visible
        )
    assert await state.entries("delivery") == []


async def test_an_answer_from_before_a_crash_arrives_once_the_locked_state_can_be_read() -> None:
    state = LockedState("entries delivery")
    state.locked = True
    await accepted(state, "ada", "Which color?")
    async with chatting([say("New.")], [say("Blue.")], state=state) as chat:
        await chat.says("And now?", "2", chat="bob", sender="bob")
        await chat.shows("New.", BOB)
        await chat.lab.channel.quiet()
        state.locked = False
        await chat.shows("Blue.")
        assert chat.platform.texts(BOB) == ["New."]


async def test_a_message_that_came_while_the_state_was_locked_is_answered_once() -> None:
    state, go = LockedState("entries delivery"), asyncio.Event()
    state.locked = True
    async with chatting([Wait(go), say("Blue.")], state=state) as chat:
        await chat.says("Which color?")
        state.locked = False
        await chat.clock.advance(5)
        go.set()
        await chat.shows("Blue.")
        await chat.lab.channel.quiet()
        assert len(chat.platform.bubbles) == len(chat.lab.model.requests) == 1
