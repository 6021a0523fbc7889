"""What a chat in Discord shows while a run is active and after it."""

import asyncio

import pytest

from tests.channels.discord.fake.places import GENERAL, THREAD
from tests.channels.discord.fake.server import Fault
from tests.channels.discord.fake.validation import SILENT
from tests.channels.discord.harness import ADA, answer, open_harness, thought, tool
from thinkaloud.channels.platform.content import NoticeLine
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress, Origin, Sender


async def test_a_thought_streams_in_one_silent_message_with_a_stop_button() -> None:
    async with open_harness() as harness:
        await harness.show(thought("The sky"))
        await harness.show(thought("The sky scatters light"))
        [work] = harness.seen
        assert work.visible == "💭 Thinking…\nThe sky scatters light"
        assert not work.notifies
        assert work.buttons == {"stop:run-1": "Stop"}
        assert harness.calls() == ["POST", "PATCH"]


async def test_the_thought_folds_when_the_answer_begins_and_the_stop_button_moves() -> None:
    async with open_harness() as harness:
        await harness.showing(thought("Rayleigh"))
        await harness.showing(thought("Rayleigh", closed=True), answer("Blue"))
        work, reply = harness.seen
        assert work.visible == "💭 Thought for 4 s"
        assert work.folded == "Rayleigh"
        assert work.buttons == {}
        assert reply.visible == "Blue"
        assert reply.buttons == {"stop:run-1": "Stop"}


async def test_the_thought_folds_while_the_answer_still_streams() -> None:
    async with open_harness() as harness:
        await harness.showing(thought("Hm"))
        for count in range(1, 5):
            await harness.show(thought("Hm", closed=True), answer("Blue " * count))
        work, reply = harness.seen
        assert (work.visible, work.folded) == ("💭 Thought for 4 s", "Hm")
        assert reply.visible == "Blue Blue Blue Blue"


async def test_an_answer_grows_while_the_model_thinks_again() -> None:
    async with open_harness() as harness:
        await harness.showing(thought("Hm", closed=True), answer("Blue"))
        for count in range(2, 6):
            harness.clock.pass_seconds(1)
            again = thought("and " * count, name="r2")
            await harness.show(thought("Hm", closed=True), answer("Blue " * count), again)
        work, reply = harness.seen
        assert work.edits == reply.edits == 2


async def test_at_the_end_only_the_answer_has_notified() -> None:
    async with open_harness() as harness:
        await harness.showing(thought("Hm"))
        await harness.showing(thought("Hm", closed=True), tool("running"))
        await harness.finish(thought("Hm", closed=True), tool(), answer("Blue.", closed=True))
        work, reply = harness.seen
        assert (work.visible, work.folded) == ("💭 Thought for 4 s\n✓ read notes.txt", "Hm")
        assert (reply.visible, reply.buttons) == ("Blue.", {})
        assert [each.notifies for each in harness.seen] == [False, True]


async def test_an_update_makes_one_call_and_nothing_new_makes_none() -> None:
    async with open_harness() as harness:
        assert not await harness.show(thought("Hm", closed=True), answer("Blue"))
        assert harness.calls() == ["POST"]
        assert await harness.show(thought("Hm", closed=True), answer("Blue"))
        assert await harness.show(thought("Hm", closed=True), answer("Blue"))
        assert harness.calls() == ["POST", "POST"]
        assert "not modified" not in harness.server.errors


async def test_an_update_over_the_limit_is_refused_without_a_call_and_holds_up_no_answer() -> None:
    async with open_harness() as harness:
        for count in range(6):
            harness.clock.now -= 1_100
            await harness.show(thought("word " * (count + 1)))
        with pytest.raises(RetryLater) as caught:
            await harness.show(thought("word " * 9))
        assert caught.value.scope == "updates"
        assert 0 < caught.value.seconds <= 5
        assert len(harness.calls()) == len(harness.pace.spent) == 6
        assert harness.server.rates.violations == []
        harness.clock.now -= 1_100
        with pytest.raises(RetryLater):
            await harness.show(thought("word", closed=True), answer("Blue."), final=True)
        assert harness.seen[-1].visible == "Blue."


async def test_calls_that_are_made_together_share_the_limit_of_the_channel() -> None:
    async with open_harness() as harness:
        await harness.platform.say(harness.chat, "first")
        replies = [harness.platform.say(harness.chat, f"reply {n}") for n in range(6)]
        results = await asyncio.gather(*replies, return_exceptions=True)
        assert [isinstance(each, RetryLater) for each in results] == [False] * 4 + [True] * 2
        assert harness.server.rates.violations == []


async def test_routes_that_share_a_limit_are_counted_together() -> None:
    async with open_harness() as harness:
        harness.server.rates.shared = {"PATCH messages": "POST messages"}
        for count in range(5):
            harness.clock.now -= 1_100
            await harness.show(thought("word " * (count + 1)))
        with pytest.raises(RetryLater):
            await harness.show(thought("word " * 9))
        assert len(harness.calls()) == 5
        assert harness.server.rates.violations == []


async def test_different_replies_to_one_message_all_arrive() -> None:
    async with open_harness() as harness:
        for text in ("a.txt is not used.", "I can read text."):
            await harness.platform.say(harness.chat, text, origin=harness.origin)
        assert [each.visible for each in harness.seen] == ["a.txt is not used.", "I can read text."]


async def test_the_answer_comes_before_the_thought_is_folded() -> None:
    async with open_harness() as harness:
        await harness.showing(thought("Hm"))
        harness.server.faults.extend([Fault(200, after=True)])
        with pytest.raises(Transient):
            await harness.show(thought("Hm", closed=True), answer("Blue."), final=True)
        work, reply = harness.seen
        assert reply.visible == "Blue."
        assert work.folded == ""


async def test_a_message_whose_response_was_lost_is_not_doubled() -> None:
    async with open_harness() as harness:
        harness.server.faults.append(Fault(200, after=True))
        with pytest.raises(Transient):
            await harness.show(answer("Blue."), final=True)
        await harness.finish(answer("Blue."))
        assert [each.visible for each in harness.seen] == ["Blue."]
        assert harness.calls() == ["POST", "POST"]


async def test_a_message_whose_response_was_lost_gets_the_newer_content() -> None:
    async with open_harness() as harness:
        harness.server.faults.append(Fault(200, after=True))
        with pytest.raises(Transient):
            await harness.show(thought("Hm"))
        await harness.showing(thought("Hm, hm"))
        assert [each.visible for each in harness.seen] == ["💭 Thinking…\nHm, hm"]
        assert harness.calls() == ["POST", "POST", "PATCH"]


async def test_a_restart_continues_with_the_same_messages() -> None:
    async with open_harness() as harness:
        await harness.showing(thought("Hm"))
        await harness.platform.close()
        harness.platform = harness.new_platform()
        await harness.finish(thought("Hm", closed=True), answer("Blue."))
        assert [each.visible for each in harness.seen] == ["💭 Thought for 4 s", "Blue."]


async def test_a_rate_limit_names_the_time_to_wait_and_what_it_covers() -> None:
    async with open_harness() as harness:
        harness.server.faults.append(Fault(429, 7.5))
        with pytest.raises(RetryLater) as own:
            await harness.show(answer("Blue."), final=True)
        assert (own.value.seconds, own.value.scope) == (7.5, "chat")
        harness.server.faults.append(Fault(429, 30, cloudflare=True))
        with pytest.raises(RetryLater) as ban:
            await harness.show(answer("Blue"))
        assert (ban.value.seconds, ban.value.scope) == (30, "channel")


async def test_a_global_rate_limit_holds_the_whole_channel() -> None:
    async with open_harness() as harness:
        harness.server.rates.calls.extend([harness.clock.now + 1_200] * 50)
        with pytest.raises(RetryLater) as caught:
            await harness.show(answer("Blue"))
        assert (caught.value.seconds, caught.value.scope) == (1.0, "channel")


async def test_errors_of_the_server_are_transient_and_of_permissions_final() -> None:
    async with open_harness() as harness:
        harness.server.faults.extend([Fault(502), Fault(503), Fault(403)])
        for kind in (Transient, Transient, Rejected):
            with pytest.raises(kind):
                await harness.show(answer("Blue."), final=True)


async def test_a_rejected_thought_does_not_take_the_answer_with_it() -> None:
    async with open_harness() as harness:
        harness.server.faults.append(Fault(403))
        await harness.finish(thought("Hm", closed=True), answer("Blue."))
        assert [each.visible for each in harness.seen] == ["Blue."]


async def test_a_deleted_answer_is_sent_again_and_a_deleted_thought_is_not() -> None:
    async with open_harness() as harness:
        await harness.showing(thought("Hm"))
        await harness.showing(thought("Hm"), answer("Blue"))
        for message in harness.seen:
            await harness.people.deletes(message)
        await harness.finish(thought("Hm", closed=True), answer("Blue."))
        assert [each.visible for each in harness.seen] == ["Blue."]


async def test_a_long_answer_notifies_once_and_stays_in_order() -> None:
    text = "\n\n".join(f"Paragraph {n}. " + "words and more words. " * 20 for n in range(20))
    async with open_harness() as harness:
        await harness.showing(answer(text[:3_000]))
        await harness.finish(answer(text))
        seen = harness.seen
        assert len(seen) > 4
        assert all(len(each.content) <= 2_000 for each in seen)
        assert [each.notifies for each in seen] == [True] + [False] * (len(seen) - 1)
        assert "\n".join(each.visible for each in seen).split() == text.split()
        assert not any(each.buttons for each in seen)
        assert harness.server.rates.violations == []


async def test_messages_that_the_end_does_not_need_are_deleted() -> None:
    async with open_harness() as harness:
        await harness.showing(answer("word " * 700))
        assert len(harness.seen) == 2
        await harness.finish(answer("A short answer after all."))
        assert [each.visible for each in harness.seen] == ["A short answer after all."]


async def test_in_a_group_the_answer_replies_to_the_question_and_pings_nobody() -> None:
    async with open_harness() as harness:
        asked = await harness.people.says(ADA, "Why?", GENERAL, mention=True)
        harness.chat = ChatAddress("discord", GENERAL)
        harness.origin = Origin(Sender(ADA), asked.id, is_group=True)
        await harness.finish(thought("Hm", closed=True), answer(f"@everyone, <@{ADA}>: blue."))
        work, reply = harness.seen
        assert (work.reply_to, reply.reply_to) == (None, asked.id)
        assert reply.pings == []
        assert reply.visible == f"@\u200beveryone, <@{ADA}>: blue."
        assert f"\\<@{ADA}>" in reply.content


async def test_an_answer_to_a_deleted_question_still_arrives() -> None:
    async with open_harness() as harness:
        harness.chat = ChatAddress("discord", GENERAL)
        harness.origin = Origin(Sender(ADA), "12345", is_group=True)
        await harness.finish(answer("Blue."))
        assert [each.visible for each in harness.seen] == ["Blue."]


async def test_an_answer_in_a_thread_stays_there() -> None:
    async with open_harness() as harness:
        harness.chat = ChatAddress("discord", GENERAL, THREAD)
        await harness.finish(answer("Blue."))
        assert [each.channel for each in harness.seen] == [THREAD]


async def test_on_request_there_is_a_button_and_not_a_character_of_the_thought() -> None:
    async with open_harness() as harness:
        await harness.showing(thought(""), mode="on_request")
        assert harness.seen[0].visible == "💭 Thinking…"
        await harness.finish(thought("", closed=True), answer("Blue."), mode="on_request")
        work, _ = harness.seen
        assert (work.visible, work.folded) == ("💭 Thought for 4 s", "")
        assert work.buttons == {"why:run-1": "Show the reasoning"}


async def test_a_thought_that_is_too_long_for_the_fold_has_a_button_for_all_of_it() -> None:
    async with open_harness() as harness:
        text = "One *careful* step after another. " * 300
        await harness.finish(thought(text, closed=True), answer("Done."))
        work, _ = harness.seen
        assert text.startswith(work.folded.removesuffix("…"))
        assert len(work.folded) > 2_000
        assert work.buttons == {"why:run-1": "Show all of it"}


async def test_the_closing_words_follow_the_partial_answer() -> None:
    async with open_harness() as harness:
        closing = "The model failed. [x](https://example.org)"
        await harness.finish(answer("Half"), status="failed", closing=closing)
        assert [each.visible for each in harness.seen] == [f"Half\n⚠️ {closing}"]
        harness.kept.value = b"null"
        await harness.finish(
            answer("word " * 399), closing="Stopped.", status="stopped", run_id="2"
        )
        assert harness.seen[-1].visible == "⏹ Stopped."
        assert harness.seen[-1].flags & SILENT


async def test_notices_and_many_tools_stay_within_the_message() -> None:
    async with open_harness() as harness:
        tools = [tool("failed", f"read {'x' * 90} {n}", f"t{n}") for n in range(60)]
        notice = NoticeLine("retry", "The provider was asked again.")
        await harness.showing(thought("Hm " * 400), notice, *tools)
        await harness.finish(thought("*" * 9_000, closed=True), notice, *tools, answer("Done."))
        work, _ = harness.seen
        lines = work.visible.split("\n")
        assert lines[:2] == ["💭 Thought for 4 s", "…"]
        assert lines[-1].endswith(" 59")


async def test_replies_of_the_server_are_split_and_not_doubled() -> None:
    async with open_harness() as harness:
        harness.server.faults.append(Fault(200, after=True))
        assert await harness.platform.say(harness.chat, "word " * 700, origin=harness.origin)
        assert [each.notifies for each in harness.seen] == [True, False]
        assert not await harness.platform.say(
            ChatAddress("discord", GENERAL),
            "secret",
            origin=Origin(Sender(ADA), "1", is_group=True),
            private=True,
        )
        assert harness.server.places.seen(GENERAL) == []


async def test_every_call_counts_against_the_limit_of_the_whole_bot() -> None:
    async with open_harness() as harness:
        await harness.platform.typing(harness.chat, harness.origin, on=True)
        await harness.platform.typing(harness.chat, harness.origin, on=False)
        assert harness.server.typing == [harness.chat.chat_id]
        assert harness.pace.spent == [("global", False)]
        await harness.finish(answer("Blue."))
        assert harness.pace.spent[1:] == [("global", True)]
