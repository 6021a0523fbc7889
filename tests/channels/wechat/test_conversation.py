"""What a person sees in WeChat, in each mode and within its quota."""

import asyncio
import itertools
import re

import pytest

from tests.channels.wechat.fake.people import MAX_CHARACTERS
from tests.channels.wechat.fake.server import Fault
from tests.channels.wechat.world import ADA, World, connected, wechat
from thinkaloud.channels.platform.engine.channel import ChannelStorage
from thinkaloud.channels.platform.engine.connection import LatePace
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.wechat.api import Api
from thinkaloud.channels.wechat.mail import MESSAGES_PER_WORD, Letters, Mail
from thinkaloud.providers.scripted import Silence, Wait, call_tool, say, think

LONG = "\n\n".join(f"word{number:03} " + "x" * 300 for number in range(80))


def words(texts: list[str]) -> list[str]:
    return re.findall(r"word\d{3}", "".join(texts))


ALL_WORDS = words([LONG])


async def test_typing_is_shown_while_the_model_thinks_and_ends_with_the_answer() -> None:
    go = asyncio.Event()
    async with wechat() as world, connected(world, [think("Hm."), Wait(go), say("Blue.")]):
        world.people.says("Why?", user=ADA)
        await world.until(lambda: world.people.typing)
        await world.seconds(12)
        kept_alive = list(world.people.typing)
        go.set()
        assert await world.sees(1) == ["💭 Thought for 1 s · /why\n\nBlue."]
        await world.until(lambda: world.people.typing[-1] == (ADA, 2))
        assert kept_alive == [(ADA, 1)] * 3
        assert world.people.typing.count((ADA, 2)) == 1


async def test_a_thought_that_grows_needs_no_more_calls() -> None:
    steps = [asyncio.Event() for _ in range(3)]
    script = [each for step in steps for each in (think("Hm."), Wait(step))]
    async with wechat() as world, connected(world, [*script, say("Blue.")]):
        world.people.says("Why?", user=ADA)
        await world.until(lambda: world.people.typing)
        for step in steps[:-1]:
            step.set()
            await world.seconds(1.5)
        assert world.people.typing == [(ADA, 1)]
        steps[-1].set()
        await world.sees(1)


@pytest.mark.parametrize("mode", ["off", "folded", "on_request"])
async def test_typing_is_shown_in_no_other_mode(mode: str) -> None:
    go = asyncio.Event()
    script = [think("Hm."), Wait(go), say("Blue.")]
    async with wechat() as world, connected(world, script, thinking=mode) as lab:
        world.people.says("Why?", user=ADA)
        await world.until(lambda: lab.channel.status.pending)
        await world.seconds(12)
        go.set()
        await world.sees(1)
        assert world.people.typing == []


async def test_folded_reasoning_is_one_message_after_the_answer() -> None:
    script = [think("First.\n" * 900), say("Blue.")]
    async with wechat() as world, connected(world, script, thinking="folded") as lab:
        world.people.says("Why?", user=ADA)
        answer, thought = await world.sees(2)
        await world.until(lambda: not lab.channel.status.pending)
        assert answer == "Blue."
        assert thought.startswith("💭 Thought for 1 s\n\nFirst.")
        assert thought.endswith("/why shows all of it.")
        assert len(world.people.bubbles) == 2


async def test_without_the_mode_no_reasoning_is_sent() -> None:
    async with (
        wechat() as world,
        connected(world, [think("canary1"), say("Blue.")], thinking="off") as lab,
    ):
        world.people.says("Why?", user=ADA)
        assert await world.sees(1) == ["Blue."]
        await world.until(lambda: not lab.channel.status.pending)
        assert "canary1" not in "".join(world.server.traffic)


async def test_tools_take_a_line_each() -> None:
    first = [call_tool("nothing_like_this", {"word": "sky"})]
    async with wechat() as world, connected(world, first, [say("Blue.")]):
        world.people.says("Why?", user=ADA)
        assert await world.sees(1) == ["✗ nothing_like_this sky\n\nBlue."]


async def test_a_long_answer_stops_with_a_notice_and_continues_after_the_word_it_asks_for() -> None:
    async with wechat() as world, connected(world, [say(LONG)]) as lab:
        world.people.says("Long", user=ADA)
        first = await world.sees(MESSAGES_PER_WORD)
        await world.until(lambda: not lab.channel.status.pending)
        await world.seconds(60)
        assert len(world.texts()) == MESSAGES_PER_WORD
        total = int(re.findall(r"— 7 of (\d+)\. .*send “more”", first[-1])[0])
        asked = 1
        while len(world.texts()) < total:
            world.people.says("More" if asked % 2 else "继续", user=ADA)
            asked += 1
            await world.sees(min(total, MESSAGES_PER_WORD * asked))
        assert words(world.texts()) == ALL_WORDS
        assert len(lab.model.requests) == 1
        sent = [call.code for call in world.server.calls if call.method == "sendmessage"]
        assert set(sent) == {0}
        assert all(len(text.encode("utf-16-le")) // 2 <= MAX_CHARACTERS for text in world.texts())


async def test_another_word_gets_the_rest_and_then_its_own_answer() -> None:
    async with wechat() as world, connected(world, [say(LONG[:14_000])], [say("Next.")]) as lab:
        world.people.says("Long", user=ADA)
        await world.sees(MESSAGES_PER_WORD)
        world.people.says("And what about the sea?", user=ADA)
        await world.until(lambda: world.texts()[-1] == "Next.")
        assert words(world.texts()) == words([LONG[:14_000]])
        assert len(lab.model.requests) == 2


async def test_the_rest_survives_a_restart() -> None:
    async with wechat() as world:
        async with connected(world, [say(LONG[:14_000])]) as lab:
            world.people.says("Long", user=ADA)
            await world.sees(MESSAGES_PER_WORD)
            await world.until(lambda: not lab.channel.status.pending)
        async with connected(world):
            world.people.says("more", user=ADA)
            await world.until(lambda: len(words(world.texts())) == len(words([LONG[:14_000]])))
            assert words(world.texts()) == words([LONG[:14_000]])


async def test_new_forgets_the_rest() -> None:
    async with wechat() as world, connected(world, [say(LONG)], [say("Fresh.")]):
        world.people.says("Long", user=ADA)
        await world.sees(MESSAGES_PER_WORD)
        world.people.says("/new", user=ADA)
        await world.sees(MESSAGES_PER_WORD + 1)
        world.people.says("Hi", user=ADA)
        texts = await world.sees(MESSAGES_PER_WORD + 2)
        assert texts[-1] == "Fresh."
        assert "word" not in texts[-2]


async def test_what_is_too_much_to_keep_is_counted() -> None:
    world, chat = World(), ChatAddress("wechat", ADA)
    mail = Mail(Api("http://127.0.0.1:9"), ChannelStorage("wechat", world.state), LatePace())
    mail.expect(chat, "", used=MESSAGES_PER_WORD)
    await mail.send(chat, Letters("run", ["text"] * 300), 0)
    rest = await mail.rest(chat)
    assert rest is not None
    assert list(rest.parts) == ["text"] * 200 + ["[100 more messages are not kept.]"]


async def test_two_answers_for_one_word_wait_in_order() -> None:
    async with wechat() as world, connected(world, [say(LONG)], [say("Second.")]):
        world.people.says("Long", user=ADA)
        world.people.says("And?", user=ADA)
        await world.sees(MESSAGES_PER_WORD)
        while "Second." not in world.texts():
            count = len(world.texts())
            world.people.says("more", user=ADA)
            await world.sees(count + 1)
            await world.seconds(20)
        assert words(world.texts()) == ALL_WORDS
        assert world.texts()[-1] == "Second."


async def test_a_context_token_that_is_too_old_is_left_out() -> None:
    go = asyncio.Event()
    async with wechat() as world, connected(world, [Wait(go), say("Late.")]) as lab:
        message = world.people.says("Why?", user=ADA)
        await world.until(lambda: lab.channel.status.pending)
        world.people.forget_tokens()
        go.set()
        assert await world.sees(1) == ["Late."]
        tries = [call.body["msg"] for call in world.server.calls if call.method == "sendmessage"]
        sent_tokens = [each.get("context_token") for each in tries]
        assert sent_tokens == [message["context_token"], None]


async def test_refused_messages_are_repeated_ever_more_slowly_and_arrive_once() -> None:
    async with wechat() as world, connected(world, [say("Blue.")]):
        world.server.faults = [Fault(code=-2, key="errcode") for _ in range(5)]
        world.people.says("Why?", user=ADA)
        assert await world.sees(1) == ["Blue."]
        times = [call.at_ms for call in world.server.calls if call.method == "sendmessage"]
        gaps = [round((b - a) / 1000) for a, b in itertools.pairwise(times)]
        assert gaps == [2, 4, 8, 16, 32]


async def test_an_answer_whose_confirmation_was_lost_appears_once() -> None:
    async with wechat() as world, connected(world, [say("Blue.")]) as lab:
        world.server.faults = [Fault(lost=True)]
        world.people.says("Why?", user=ADA)
        await world.until(lambda: len(world.server.called("sendmessage")) == 2)
        await world.until(lambda: not lab.channel.status.pending)
        assert world.texts() == ["Blue."]


async def test_a_broken_typing_indicator_delays_no_answer() -> None:
    async with wechat() as world, connected(world, [think("Hm."), say("Blue.")]):
        world.server.faults = [Fault("getconfig", status=500) for _ in range(9)]
        world.people.says("Why?", user=ADA)
        await world.sees(1)
        assert world.people.typing == []


async def test_a_typing_indicator_that_hangs_delays_no_answer() -> None:
    go = asyncio.Event()
    async with wechat() as world, connected(world, [Wait(go), say("Blue.")]):
        world.server.faults = [Fault("getconfig", hangs=True)]
        world.people.says("Why?", user=ADA)
        await world.until(lambda: not world.server.faults)
        go.set()
        await world.server.until(lambda: world.texts() == ["Blue."])
        assert [call.hanging for call in world.server.called("sendmessage")] == [1]


async def test_stop_ends_the_run() -> None:
    async with wechat() as world, connected(world, [say("Half"), Silence()]) as lab:
        world.people.says("Go", user=ADA)
        await world.until(lambda: lab.channel.status.pending)
        await world.until(lambda: lab.model.requests)
        world.people.says("/stop", user=ADA)
        await world.until(lambda: any("Stopped." in text for text in world.texts()))


async def test_reasoning_that_somebody_asked_for_is_never_stored() -> None:
    script = [think(LONG), say("Blue.")]
    async with wechat() as world, connected(world, script, thinking="on_request") as lab:
        world.people.says("Why?", user=ADA)
        await world.sees(1)
        await world.until(lambda: not lab.channel.status.pending)
        world.people.says("/why", user=ADA)
        await world.until(lambda: "word0" in "".join(world.texts()))
        await world.during(lab.channel.quiet())
        stored = await world.state.entries("own", "wechat")
        assert not any(b"word0" in entry.value for entry in stored)
        assert len(world.texts()) == 1 + MESSAGES_PER_WORD
