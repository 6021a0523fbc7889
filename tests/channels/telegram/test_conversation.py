"""Conversations in Telegram end to end, from a person's message to the answer, limits included."""

import asyncio

import pytest

from tests.channels.telegram.fake.server import Fault
from tests.channels.telegram.world import EVERYBODY, World, connected, telegram
from thinkaloud.channels.telegram.settings import TelegramSettings
from thinkaloud.providers.scripted import Wait, call_tool, say, think

CANARY = "CANARY-REASONING"


def refused(world: World) -> list[str]:
    """The calls that the server refused because of a limit."""
    return [call.method for call in world.server.calls if call.status == 429]


async def test_a_question_is_thought_about_in_a_draft_and_answered_in_one_message() -> None:
    go = asyncio.Event()
    async with telegram() as world:
        script = [think("Two and two…"), Wait(go), think(" four."), say("It is 4.")]
        async with connected(world, script):
            world.people.says("2 + 2?")
            await world.until(lambda: world.server.chats.draft_in(1))
            draft = world.server.chats.draft_in(1)
            assert draft is not None
            assert draft.thinking == "Two and two…"
            assert draft.can_stop
            go.set()
            (message,) = await world.answered(1)
            assert message.visible.endswith("It is 4.")
            assert message.visible.startswith("Thought for ")
            assert message.folded == "Two and two… four."
            assert world.server.chats.draft_in(1) is None
            assert refused(world) == []


async def test_the_stop_button_of_the_draft_stops_the_run_and_what_there_was_stays() -> None:
    never = asyncio.Event()
    async with telegram() as world, connected(world, [think("Hm"), say("Half"), Wait(never)]):
        world.people.says("Say it all")
        await world.until(lambda: (d := world.server.chats.draft_in(1)) and "Half" in d.visible)
        world.people.stops(1)
        (message,) = await world.answered(1)
        assert "Half" in message.visible
        assert "stopped" in message.visible.lower()


async def test_two_thousand_deltas_are_a_few_drafts_within_the_limits() -> None:
    async with telegram() as world:
        world.step = 0.02
        words = [f"w{number} " for number in range(2_000)]
        go = asyncio.Event()
        async with connected(world, [think(*words), Wait(go), say(*words)]):
            world.people.says("Think a lot")
            await world.until(lambda: world.server.chats.draft_in(1))
            go.set()
            (message,) = await world.answered(1)
            assert message.folded.split() == "".join(words).split()
            assert message.visible.split()[-1] == "w1999"
            assert len(world.server.chats.all_drafts) < 10
            assert refused(world) == []


async def test_a_flood_limit_on_drafts_and_one_on_the_answer_only_delay_it() -> None:
    go = asyncio.Event()
    async with telegram() as world, connected(world, [think("Hm"), Wait(go), say("So.")]):
        world.server.faults.append(Fault(429, "sendRichMessageDraft", retry_after=280))
        world.server.faults.append(Fault(429, "sendRichMessage", retry_after=20))
        world.people.says("Well?")
        await world.until(lambda: refused(world))
        before = world.clock.steady_ms()
        go.set()
        (message,) = await world.answered(1)
        assert message.visible.endswith("So.")
        assert world.clock.steady_ms() - before < 100_000
        assert refused(world) == ["sendRichMessageDraft", "sendRichMessage"]


async def test_after_a_restart_the_same_message_of_a_group_is_completed() -> None:
    live = TelegramSettings(allow_from=("*",), allow_groups=("*",), group_thinking="live")
    never = asyncio.Event()
    async with telegram() as world:
        async with connected(world, [say("Half"), Wait(never)], settings=live):
            world.people.says("@ada_test_bot say it all", chat=-100)
            await world.until(lambda: world.server.seen(-100))
        async with connected(world, settings=live):
            (message,) = await world.answered(-100)
            assert message.edits >= 1
            assert message.visible.startswith("Half\n")
            assert len(world.server.seen(-100)) == 1


@pytest.mark.parametrize("hidden", ["policy", "channel", "off", "on_request"])
async def test_hidden_reasoning_never_leaves_the_server(hidden: str) -> None:
    settings = {
        "policy": EVERYBODY,
        "channel": TelegramSettings(allow_from=("*",), reasoning="deny"),
        "off": TelegramSettings(allow_from=("*",), thinking="off"),
        "on_request": TelegramSettings(allow_from=("*",), thinking="on_request"),
    }[hidden]
    async with telegram() as world:
        script = [think(CANARY), call_tool("nothing", {}), think(CANARY), say("So.")]
        async with connected(
            world, script, settings=settings, reasoning_allowed=hidden != "policy"
        ):
            world.people.says("Well?")
            messages = await world.answered(1)
            assert messages
            assert not any(CANARY.encode() in sent for sent in world.server.bytes_received)


async def test_the_button_why_shows_the_thought_in_a_group_to_the_person_who_pressed_it() -> None:
    settings = TelegramSettings(
        allow_from=("7",), allow_groups=("-100",), group_thinking="on_request"
    )
    script = [think("Because."), say("So.")]
    async with telegram() as world, connected(world, script, settings=settings):
        world.people.says("@ada_test_bot well?", chat=-100, user=7)
        (message,) = await world.answered(-100)
        (action,) = message.buttons
        world.people.presses(action, chat=-100, user=8)
        world.people.presses(action, chat=-100, user=7)
        (_, why) = await world.answered(-100, 2)
        assert (why.reader, "Because." in why.visible) == (7, True)
        assert len(world.server.seen(-100)) == 2


async def test_a_stranger_gets_a_code_and_no_answer_and_a_bot_gets_nothing() -> None:
    async with telegram() as world:
        settings = TelegramSettings(allow_from=("7",))
        async with connected(world, [say("Hello, friend.")], settings=settings):
            world.people.says("beep", user=5, is_bot=True)
            world.people.says("@ada_test_bot let me in", user=6, chat=-100)
            world.people.says("let me in", user=6)
            world.people.says("hi", user=7)
            (code,) = await world.answered(6)
            (answer,) = await world.answered(7)
            assert "code is" in code.visible
            assert answer.visible == "Hello, friend."
            assert world.server.seen(5) + world.server.seen(-100) == []


async def test_a_message_that_is_delivered_twice_is_answered_once() -> None:
    async with telegram() as world, connected(world, [say("One.")], [say("Two.")]):
        message = world.people.says("hi")
        world.server.updates.add("message", message)
        world.people.edits(message, "hi!")
        world.people.says("hi again")
        await world.answered(1, 2)
        await world.seconds(5)
        assert [bubble.visible for bubble in world.server.seen(1)] == ["One.", "Two."]


async def test_a_command_is_carried_out_and_the_new_conversation_begins() -> None:
    async with telegram() as world, connected(world, [say("One.")], [say("Two.")]) as lab:
        world.people.says("first")
        await world.answered(1)
        world.people.says("/new")
        await world.answered(1, 2)
        world.people.says("second")
        await world.answered(1, 3)
        prompts = [str(request) for request in lab.model.requests]
        assert "first" not in prompts[1]


async def test_a_photo_with_a_caption_reaches_the_model() -> None:
    picture = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
    )
    async with telegram() as world:
        world.server.files["p"] = picture
        async with connected(world, [say("A pixel.")]) as lab:
            sizes = [{"file_id": "p", "file_size": len(picture)}]
            world.people.says("", photo=sizes, caption="What is it?")
            (message,) = await world.answered(1)
            assert message.visible.endswith("A pixel.")
            assert "What is it?" in str(lab.model.requests[0])
            assert "image/png" in str(lab.model.requests[0])


async def test_fifty_chats_at_once_are_all_answered_within_the_limits() -> None:
    async with telegram() as world:
        world.step = 0.02
        scripts = [[think(f"Hm {n}"), say(f"Answer {n}")] for n in range(50)]
        async with connected(world, *scripts):
            for person in range(1, 51):
                world.people.says("Well?", user=person)
            for person in range(1, 51):
                (message,) = await world.answered(person)
                assert "Answer" in message.visible
            assert refused(world) == []


async def test_a_busy_group_stays_below_twenty_messages_a_minute() -> None:
    live = TelegramSettings(allow_from=("*",), allow_groups=("*",), group_thinking="live")
    steps = [asyncio.Event() for _ in range(40)]
    script = [part for step in steps for part in (*think("More. "), Wait(step))]
    async with telegram() as world, connected(world, [*script, *say("Done.")], settings=live):
        world.people.says("@ada_test_bot think", chat=-100)
        for step in steps:
            step.set()
            await world.seconds(2)
        (message,) = await world.answered(-100)
        assert message.visible.endswith("Done.")
        assert refused(world) == []
        assert len(world.server.calls) > 15


async def test_an_outage_of_telegram_loses_neither_the_question_nor_the_answer() -> None:
    go = asyncio.Event()
    async with telegram() as world, connected(world, [think("Hm"), Wait(go), say("So.")]):
        world.people.says("Well?")
        await world.until(lambda: world.server.chats.draft_in(1))
        world.server.faults += [Fault(502, method, html=True) for method in ["getUpdates"] * 6]
        world.server.faults += [Fault(502, "sendRichMessage", html=True) for _ in range(3)]
        world.people.says("And?")
        go.set()
        (message, *_) = await world.answered(1)
        assert message.visible.endswith("So.")
