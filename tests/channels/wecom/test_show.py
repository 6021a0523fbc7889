"""What a run looks like in WeCom."""

import pytest

from tests.channels.platform.driver import DriverSetup, text_of, until
from tests.channels.wecom.driver import wecom_driver
from tests.channels.wecom.fake.chats import MAX_BYTES
from tests.channels.wecom.harness import ADA, Harness, answer, open_harness, thought, tool
from thinkaloud.channels.platform.errors import RetryLater, Transient
from thinkaloud.providers.scripted import say

FOLDED = "*Thought for 4 s*"


async def test_a_thought_grows_in_one_message_and_is_folded_above_the_answer() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(thought("Light"))
        assert harness.contents == ["<think>Light</think>"]
        await harness.show(thought("Light scatters."))
        assert harness.contents == ["<think>Light scatters.</think>"]
        await harness.show(thought("Light scatters.", closed=True), answer("It is"))
        assert harness.contents == [f"<think>Light scatters.</think>\n\n{FOLDED}\n\nIt is"]
        assert not harness.sent[0].finished
        await harness.finish(thought("Light scatters.", closed=True), answer("It is blue."))
        assert harness.contents == [f"<think>Light scatters.</think>\n\n{FOLDED}\n\nIt is blue."]
        assert harness.sent[0].finished


async def test_nothing_is_sent_again_that_the_chat_shows_already() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(thought("Light"))
        await harness.show(thought("Light"))
        assert harness.sent[0].edits == 1


async def test_until_there_is_text_the_message_is_the_thinking_animation() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show()
        assert harness.contents == ["<think></think>"]
        await harness.show(answer("Blue."))
        assert harness.contents == ["Blue."]


async def test_without_reasoning_nothing_is_sent_before_the_answer() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(mode="off")
        assert harness.contents == []
        await harness.show(answer("Blue."), mode="off")
        assert harness.contents == ["Blue."]


async def test_an_answer_without_a_thought_is_only_the_answer() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.finish(answer("Blue."))
        assert harness.contents == ["Blue."]


async def test_a_closing_tag_in_a_thought_does_not_end_it() -> None:
    async with open_harness() as harness:
        await harness.asked()
        text = "One </think> two </ think> three <THINK> `</think>`\n```\n</think>"
        await harness.finish(thought(text, closed=True), answer("Answer."))
        [(seen, folded)] = harness.seen
        assert seen == f"{FOLDED}\n\nAnswer."
        assert "three" in folded


async def test_a_think_tag_in_an_answer_hides_nothing() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.finish(
            answer("<think>a</think> b\n\n```\n<think>c</think>\n```\n\n`<think>d`")
        )
        assert "<think>" not in harness.contents[0]
        assert "<\u200bthink>" in harness.contents[0]


async def test_an_open_code_block_in_a_thought_ends_with_it() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.finish(thought("Try:\n````py\nx = 1\n```", closed=True), answer("Answer."))
        assert harness.contents == [
            f"<think>Try:\n````py\nx = 1\n```\n````\n</think>\n\n{FOLDED}\n\nAnswer."
        ]


async def test_a_thought_loads_no_image() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(thought("![x](https://example.org/?secret)"))
        assert "](" not in harness.contents[0]


async def test_a_thought_on_request_is_only_the_animation_and_its_duration() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(thought(""), mode="on_request")
        assert harness.contents == ["<think></think>"]
        await harness.finish(thought("", closed=True), answer("Blue."), mode="on_request")
        assert harness.contents == [f"{FOLDED}\n\nBlue."]


async def test_tools_take_a_line_each_before_the_answer() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(tool("running", "read *notes*"))
        assert harness.seen == [("⏳ read *notes*", "")]
        await harness.finish(tool("failed", "read *notes*"), tool("done", "list"), answer("Done."))
        assert harness.seen == [("✗ read *notes*\n✓ list\n\nDone.", "")]


async def test_a_stopped_run_is_explained_below_what_was_said() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.finish(answer("Half"), status="stopped", closing="Stopped.")
        assert harness.contents == ["Half\n\nStopped."]


async def test_a_stream_is_ended_in_time_and_the_rest_follows_in_a_new_message() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(thought("Hm.", closed=True), answer("First part."))
        harness.clock.pass_seconds(330)
        await harness.show(thought("Hm.", closed=True), answer("First part."))
        assert harness.sent[0].finished
        assert "Still working" in harness.seen[0][0]
        harness.clock.pass_seconds(600)
        await harness.show(thought("Hm.", closed=True), answer("First part.\n\nSecond"))
        await harness.finish(thought("Hm.", closed=True), answer("First part.\n\nSecond part."))
        assert harness.seen[0][1] == "Hm."
        assert harness.contents[1:] == ["Second part."]
        assert harness.server.refused == []


async def test_an_answer_after_six_minutes_of_silence_arrives_as_a_message() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(thought("Hm."))
        harness.clock.pass_seconds(361)
        await harness.finish(thought("Hm.", closed=True), answer("Answer."))
        assert harness.seen == [("", "Hm."), ("Answer.", "")]
        assert harness.server.refused == []


async def test_an_end_that_the_stream_refuses_for_any_reason_arrives_as_a_message() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(answer("Half"))
        harness.server.chats.streams[harness.origin.token].stream_id = "another"
        await harness.finish(answer("Half, whole."))
        assert harness.contents == ["Half", "…, whole."]


async def test_an_end_whose_acknowledgement_is_lost_is_not_doubled() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(answer("Half"))
        harness.waits_for_acknowledgements(0.05)
        harness.server.drops_acks = 1
        with pytest.raises(Transient):
            await harness.finish(answer("Half, whole."))
        await harness.finish(answer("Half, whole."))
        assert harness.server.refused != []
        assert harness.contents == ["Half, whole."]


async def test_an_expired_stream_is_completed_by_a_message() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(answer("First"))
        harness.server.chats.streams[harness.origin.token].started -= 400
        assert await harness.show(answer("First and"))
        await harness.finish(answer("First and second."))
        assert harness.contents == ["First", "… and second."]


async def test_after_a_lost_connection_only_the_rest_of_the_answer_is_sent() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(thought("Hm.", closed=True), answer("See:\n\n```py\na = 1\n"))
        await harness.loses_connection()
        await harness.finish(
            thought("Hm.", closed=True), answer("See:\n\n```py\na = 1\nb = 2\n```\nEnd.")
        )
        assert harness.contents[1:] == ["```py\nb = 2\n```\n\nEnd."]


async def test_a_lost_stream_that_shows_everything_needs_no_message() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(answer("All."))
        await harness.loses_connection()
        await harness.finish(answer("All."))
        assert harness.contents == ["All."]


async def test_a_long_answer_fits_the_limit_in_bytes_and_keeps_its_thought() -> None:
    async with open_harness() as harness:
        await harness.asked()
        paragraphs = [f"第{n}段。" + "天空是蓝色的。" * 30 for n in range(120)]
        thoughts = "想一想。" * 2_000
        for end in (10, 60, 120):
            await harness.show(
                thought(thoughts, closed=True), answer("\n\n".join(paragraphs[:end]))
            )
        await harness.finish(thought(thoughts, closed=True), answer("\n\n".join(paragraphs)))
        assert harness.server.refused == []
        assert len(harness.sent) > 1
        assert max(len(content.encode()) for content in harness.contents) <= MAX_BYTES
        words = "\n\n".join([seen for seen, _ in harness.seen]).removeprefix(f"{FOLDED}\n\n")
        assert words == "\n\n".join(paragraphs)
        assert "more characters" in harness.seen[0][1]
        assert len(harness.seen[0][1].encode()) > 9_000


async def test_a_long_thought_shows_its_end_while_it_grows_and_its_start_in_the_end() -> None:
    async with open_harness() as harness:
        await harness.asked()
        text = " ".join(f"word{n}" for n in range(4_000))
        await harness.show(thought(text))
        [(_, folded)] = harness.seen
        assert folded.endswith("word3999")
        await harness.finish(thought(text, closed=True), answer("Answer."))
        [(seen, folded)] = harness.seen
        assert seen.endswith("Answer.")
        assert folded.startswith("word0 word1 ")
        assert folded.endswith("more characters")
        assert harness.server.refused == []


async def test_special_characters_that_double_in_size_still_fit() -> None:
    async with open_harness() as harness:
        await harness.asked()
        text = "a\\ " * 6_000
        await harness.show(answer(text))
        await harness.finish(answer(text))
        assert harness.server.refused == []
        assert "".join(seen for seen, _ in harness.seen).count("a\\") == 6_000


@pytest.mark.parametrize(("status", "error"), [(429, RetryLater), (502, Transient)])
async def test_a_refused_end_is_shown_by_the_next_attempt(
    status: int, error: type[Exception]
) -> None:
    async with open_harness() as harness:
        await harness.asked()
        await harness.show(answer("Half"))
        harness.server.fail_next(1, status)
        with pytest.raises(error):
            await harness.finish(answer("Half, whole."))
        await harness.finish(answer("Half, whole."))
        assert harness.contents == ["Half, whole."]


async def test_an_answer_of_many_messages_keeps_to_the_rate() -> None:
    words = [f"word{n:05}" for n in range(60_000)]
    text = "\n\n".join(" ".join(words[n : n + 400]) for n in range(0, 60_000, 400))
    async with wecom_driver(DriverSetup({"allow_from": ["*"]}), [say(text)]) as driver:
        driver.server.uploads.refuses = True
        await driver.person_says("Long", sender="ada")
        await until(driver, lambda: "word59999" in text_of(driver, "ada"))
        assert {message for _, message in driver.server.refused} == {"no files"}
        assert text_of(driver, "ada").replace("…", "").split() == words


async def test_what_nobody_asked_for_arrives_as_a_message() -> None:
    async with open_harness() as harness:
        await harness.asked()
        harness.origin = None  # type: ignore[assignment]
        await harness.show(answer("Half"))
        assert harness.contents == []
        await harness.finish(answer("Half, whole."))
        assert harness.contents == ["Half, whole."]


async def test_words_of_the_server_are_not_private_in_groups() -> None:
    async with open_harness() as harness:
        await harness.people.writes("ada", "/why", group="group-1", mention=True)
        message = await harness.inbox.messages.get()
        say = harness.platform.say
        assert not await say(message.chat, "Hm.", origin=message.origin, private=True)
        assert await say(message.chat, "Hm.", origin=message.origin)
        assert [(each.chat, each.content) for each in harness.sent] == [("group-1", "Hm.")]


async def test_long_words_of_the_server_are_split_and_not_repeated() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await say_long(harness)
        assert [content[:4] for content in harness.contents] == ["AAAA", "BBBB"]


async def say_long(harness: Harness) -> None:
    await harness.platform.say(ADA, "A" * 15_000 + "\n\n" + "B" * 15_000, origin=harness.origin)
