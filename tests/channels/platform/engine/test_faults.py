"""Faults around a chat: a state that cannot be used, a library that cancels itself, odd text."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from typing_extensions import override

from tests.channels.platform.chatting import ADA, chatting
from tests.channels.platform.clocks import SteppedClock, settle
from tests.channels.platform.lab import Setup, channel_lab
from tests.channels.platform.scripted import ScriptedPlatform, message
from thinkaloud.channels.platform.errors import Rejected, RetryLater
from thinkaloud.channels.platform.platform import Inbox, PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.errors import StoreError
from thinkaloud.events.model import ModelFailed
from thinkaloud.ports.channel_state import StateEntry, StateKind
from thinkaloud.providers.scripted import Wait, say, think
from thinkaloud.stores.channel_state import MemoryChannelState


class LockedState(MemoryChannelState):
    """Cannot be used while another process has locked it."""

    def __init__(self, *operations: str) -> None:
        super().__init__()
        self.operations = set(operations)
        self.locked = False

    def _check(self, operation: str, kind: str) -> None:
        if self.locked and f"{operation} {kind}" in self.operations:
            raise StoreError("database is locked")

    @override
    async def get(self, channel: str, kind: StateKind, key: str) -> bytes | None:
        self._check("get", kind)
        return await super().get(channel, kind, key)

    @override
    async def put(self, channel: str, kind: StateKind, key: str, value: bytes) -> None:
        self._check("put", kind)
        await super().put(channel, kind, key, value)

    @override
    async def entries(self, kind: StateKind, channel: str | None = None) -> Sequence[StateEntry]:
        self._check("entries", kind)
        return await super().entries(kind, channel)


@pytest.mark.parametrize("operation", ["put delivery", "get chat"])
async def test_an_answer_arrives_although_the_state_is_locked_meanwhile(operation: str) -> None:
    go = asyncio.Event()
    state = LockedState(operation)
    async with chatting([Wait(go), say("Blue.")], state=state) as chat:
        state.locked = operation == "put delivery"
        await chat.says("Which color?")
        state.locked = True
        go.set()
        await chat.shows("Blue.")


async def test_a_thought_stays_hidden_while_it_is_unknown_what_the_chat_chose() -> None:
    state = LockedState("get chat")
    go = asyncio.Event()
    async with chatting([Wait(go), think("canary"), say("Blue.")], state=state) as chat:
        await chat.says("/thinking off", "0")
        await chat.says("Which color?")
        state.locked = True
        go.set()
        await chat.shows("Blue.")
        assert not any("canary" in call for call in chat.platform.calls)


async def test_a_channel_starts_although_its_state_is_locked() -> None:
    state = LockedState("entries delivery")
    state.locked = True
    async with chatting([say("Blue.")], state=state) as chat:
        await chat.says("Which color?")
        await chat.shows("Blue.")


async def test_stop_ends_the_run_behind_an_answer_that_is_still_being_sent() -> None:
    never = asyncio.Event()
    async with chatting([say("One")], [say("Two"), Wait(never)]) as chat:
        chat.platform.is_down_for = lambda text: text == "One"
        await chat.says("First", "1")
        await settle()
        await chat.says("Second", "2")
        await settle()
        await chat.says("/stop", "3")
        chat.platform.is_down_for = lambda _: False
        await chat.shows("Two\nStopped.")
        assert "There is nothing to stop." not in chat.platform.texts(ADA)


class CancellingItself(ScriptedPlatform):
    """Its library cancels a task of its own, and lets that be seen."""

    runs = 0
    shows = 0

    @override
    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        type(self).runs += 1
        if type(self).runs == 1:
            raise asyncio.CancelledError
        await super().run(inbox, ready)


async def test_a_connection_whose_library_cancels_itself_is_made_again() -> None:
    clock = SteppedClock()
    CancellingItself.runs = 0
    setup = Setup(clock=clock)
    async with channel_lab(CancellingItself, MemoryChannelState(), setup) as lab:
        await settle()
        assert lab.channel.status.condition == "retrying"
        await clock.advance(2)
        assert lab.channel.status.condition == "running"


async def test_an_answer_arrives_although_the_library_cancels_a_call() -> None:
    async with chatting([say("Blue.")]) as chat:
        chat.platform.failures = [asyncio.CancelledError()]  # type: ignore[list-item]
        await chat.says("Which color?")
        await chat.shows("Blue.")


@pytest.mark.parametrize(
    "failure", [TimeoutError(), KeyError("session"), asyncio.CancelledError()], ids=repr
)
async def test_an_answer_arrives_after_the_library_failed_unexpectedly_for_minutes(
    failure: BaseException,
) -> None:
    async with chatting([say("Blue.")]) as chat:
        chat.platform.failures = [failure] * 10  # type: ignore[list-item]
        await chat.says("Which color?")
        for _ in range(40):
            await chat.clock.advance(30)
            await asyncio.sleep(0.002)
        assert chat.platform.texts(ADA) == ["Blue."]
        assert chat.lab.channel.status.pending == 0


async def test_half_a_character_does_not_lose_the_message() -> None:
    async with chatting([say("Blue.")]) as chat:
        await chat.says("Which color? \ud83d")
        await chat.shows("Blue.")
        assert "Which color? ?" in str(chat.lab.model.requests[0])


async def test_the_words_below_an_answer_that_the_platform_rejected_are_no_markup() -> None:
    failure = ModelFailed("provider_overloaded", "**@everyone** [here](https://evil.example)")
    go = asyncio.Event()
    async with chatting([Wait(go), say("Half."), failure]) as chat:
        await chat.says("Say all")
        await chat.clock.advance(1)
        chat.platform.failures = [Rejected("no such markup")]
        go.set()
        for _ in range(50):
            await chat.clock.advance(0.1)
            await asyncio.sleep(0.002)
            if chat.platform.bubbles:
                break
        assert "[here](https://evil.example)" in chat.platform.bubbles[0].visible


@pytest.mark.parametrize("command", ["/model", "/effort", "/thinking"])
async def test_the_argument_of_a_refused_command_is_no_markup(command: str) -> None:
    async with chatting() as chat:
        await chat.says(f"{command} ` **bold** [x](https://evil.example) `")
        await settle()
        (bubble,) = chat.platform.bubbles
        assert "**bold** [x](https" in bubble.visible


async def test_a_rate_limit_outlives_the_connection_that_was_limited() -> None:
    class Limited(ScriptedPlatform):
        end: asyncio.Event

        @override
        async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
            self.failures = [RetryLater(600, "channel")] if not made[1:] else []
            self.inbox = inbox
            ready()
            await self.end.wait()

    made: list[Limited] = []

    def make(settings: PlatformSettings, context: PlatformContext) -> ScriptedPlatform:
        made.append(Limited(settings, context))
        made[-1].end = asyncio.Event()
        return made[-1]

    clock = SteppedClock()
    setup = Setup(clock=clock)
    async with channel_lab(make, MemoryChannelState(), setup, [say("Blue.")]) as lab:
        await settle()
        await lab.channel.inbox.receive(message("Which color?"))
        await clock.advance(1)
        assert made[0].failures == []
        made[0].end.set()
        await clock.advance(5)
        assert len(made) == 2
        assert made[1].bubbles == []
        await clock.advance(600)
        assert made[1].texts(ADA) == ["Blue."]


@pytest.mark.parametrize("started", [True, False])
async def test_a_conversation_that_is_deleted_during_a_run_leaves_the_chat_usable(
    started: bool,
) -> None:
    state, never = MemoryChannelState(), asyncio.Event()
    script = [*(say("Half") if started else []), Wait(never)]
    async with chatting(script, [say("New.")], state=state) as chat:
        await chat.says("Which color?", "1")
        if started:
            await chat.shows("Half")
        await chat.clock.advance(1)
        await chat.lab.runtime.runs.conversations.delete("local", "scripted:ada")
        while chat.lab.channel.status.pending:
            await chat.clock.advance(1)
            await asyncio.sleep(0.001)
        assert await state.entries("delivery") == []
        await chat.says("And now?", "2")
        await chat.shows("New.")
