"""Reasoning never reaches people who may not see it, whatever command or button they use."""

import logging
from collections.abc import Sequence
from typing import Any, Final

import pytest

from tests.channels.platform.chatting import Chat, chatting
from thinkaloud.channels.platform.actions import why_action
from thinkaloud.channels.platform.message import ChatAddress, Origin, Sender
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.events.model import Reclassified
from thinkaloud.ports.channel_state import StateKind
from thinkaloud.ports.principal import ReasoningPolicy
from thinkaloud.providers.scripted import say, think
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore

CANARY: Final = "thought-canary"
SECRET: Final = "sk-ant-api03-Y2FuYXJ5LWNhbmFyeQ-4711"
KINDS: Final[Sequence[StateKind]] = ("chat", "conversation", "delivery", "own", "pairing", "seen")


def allowing(**more: Any) -> PlatformSettings:
    return PlatformSettings(allow_from=("ada", "bob"), allow_groups=("garden",), **more)


async def run_of_ada(chat: Chat) -> str:
    await chat.says("Which color?")
    await chat.clock.advance(3)
    await chat.lab.channel.quiet()
    runtime = chat.lab.runtime
    fold = await runtime.runs.hub.fold(runtime.owner, "scripted:ada")
    return next(iter(fold.runs))


async def everybody_asks(chat: Chat, run_id: str) -> None:
    """Ask by command and by button, in chats and as people to whom the run doesn't belong."""
    for name in ("eve", "bob"):
        await chat.says("/thinking live", f"{name}-1", chat=name, sender=name)
        await chat.says("/why", f"{name}-2", chat=name, sender=name)
    for place, person, is_group in (
        ("eve", "eve", False),
        ("bob", "bob", False),
        ("ada", "eve", False),
        ("garden", "bob", True),
        ("garden", "eve", True),
        ("elsewhere", "ada", True),
    ):
        origin = Origin(Sender(person), "button", is_group)
        address = ChatAddress("scripted", place)
        for action in (why_action(run_id), "why:", "why", f"why:{run_id}:", "stop:\x00"):
            await chat.lab.channel.inbox.chose(address, origin, action)
    await chat.clock.advance(5)


def assert_hidden(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    assert not [bubble for bubble in chat.platform.bubbles if CANARY in repr(bubble)]
    assert not [call for call in chat.platform.calls if CANARY in call]
    assert CANARY not in caplog.text
    assert CANARY not in repr(chat.lab.channel.status)


@pytest.mark.parametrize(
    ("settings", "server_allows"),
    [
        (allowing(thinking="off"), True),
        (allowing(thinking="on_request"), True),
        (allowing(reasoning="deny"), True),
        (allowing(show_reasoning=False), True),
        (allowing(), False),
    ],
)
async def test_no_stranger_and_no_other_chat_gets_a_thought(
    settings: PlatformSettings, server_allows: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    state = MemoryChannelState()
    script = [think(CANARY), say("Blue.")]
    async with chatting(
        script, settings=settings, state=state, reasoning_allowed=server_allows
    ) as chat:
        await everybody_asks(chat, await run_of_ada(chat))
        assert_hidden(chat, caplog)
        stored = [entry for kind in KINDS for entry in await state.entries(kind)]
        assert stored
        assert CANARY not in repr(stored)


async def test_a_thought_that_was_answer_text_first_disappears_from_the_chat() -> None:
    script = [say(CANARY), Reclassified("reasoning"), say("Blue.")]
    settings = allowing(thinking="off")
    async with chatting(script, settings=settings) as chat:
        await run_of_ada(chat)
        (text,) = chat.platform.texts(ChatAddress("scripted", "ada"))
        assert text.endswith("Blue.")
        assert CANARY not in text


@pytest.mark.parametrize(
    ("policy", "shown"),
    [("allow", [False, True, True]), ("redact", [True, False, True]), ("deny", [False] * 3)],
)
async def test_a_thought_of_before_is_shown_under_the_policy_that_the_channel_has_now(
    policy: ReasoningPolicy, shown: list[bool]
) -> None:
    state, store = MemoryChannelState(), MemoryStore()
    script = [think(f"The key is {SECRET}."), say("Blue.")]
    settings = allowing(thinking="on_request")
    async with chatting(script, settings=settings, state=state, store=store) as chat:
        await run_of_ada(chat)
    settings = allowing(thinking="on_request", reasoning=policy)
    async with chatting(settings=settings, state=state, store=store) as chat:
        await chat.says("/why", "2")
        await chat.clock.advance(5)
        texts = "".join(chat.platform.texts(ChatAddress("scripted", "ada")))
    assert texts
    assert [word in texts for word in ("redacted:provider", "Y2FuYXJ5", "The key is")] == shown
