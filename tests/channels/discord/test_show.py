"""What a chat in Discord shows while a run is active and after it."""

import asyncio

import pytest

from tests.channels.discord.fake.places import GENERAL, THREAD
from tests.channels.discord.fake.server import Fault
from tests.channels.discord.fake.validation import SILENT
from tests.channels.discord.staging import ADA, answer, staged, thought, tool
from thinkaloud.channels.platform.content import NoticeLine
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress, Origin, Sender


async def test_a_thought_streams_in_one_silent_message_with_a_stop_button() -> None:
    async with staged() as stage:
        await stage.show(thought("The sky"))
        await stage.show(thought("The sky scatters light"))
        [work] = stage.seen
        assert work.visible == "💭 Thinking…\nThe sky scatters light"
        assert not work.notifies
        assert work.buttons == {"stop:run-1": "Stop"}
        assert stage.calls() == ["POST", "PATCH"]


async def test_the_thought_folds_when_the_answer_begins_and_the_stop_button_moves() -> None:
    async with staged() as stage:
        await stage.showing(thought("Rayleigh"))
        await stage.showing(thought("Rayleigh", closed=True), answer("Blue"))
        work, reply = stage.seen
        assert work.visible == "💭 Thought for 4 s"
        assert work.folded == "Rayleigh"
        assert work.buttons == {}
        assert reply.visible == "Blue"
        assert reply.buttons == {"stop:run-1": "Stop"}


async def test_the_thought_folds_while_the_answer_still_streams() -> None:
    async with staged() as stage:
        await stage.showing(thought("Hm"))
        for count in range(1, 5):
            await stage.show(thought("Hm", closed=True), answer("Blue " * count))
        work, reply = stage.seen
        assert (work.visible, work.folded) == ("💭 Thought for 4 s", "Hm")
        assert reply.visible == "Blue Blue Blue Blue"


async def test_an_answer_grows_while_the_model_thinks_again() -> None:
    async with staged() as stage:
        await stage.showing(thought("Hm", closed=True), answer("Blue"))
        for count in range(2, 6):
            stage.clock.pass_seconds(1)
            again = thought("and " * count, name="r2")
            await stage.show(thought("Hm", closed=True), answer("Blue " * count), again)
        work, reply = stage.seen
        assert work.edits == reply.edits == 2


async def test_at_the_end_only_the_answer_has_notified() -> None:
    async with staged() as stage:
        await stage.showing(thought("Hm"))
        await stage.showing(thought("Hm", closed=True), tool("running"))
        await stage.finish(thought("Hm", closed=True), tool(), answer("Blue.", closed=True))
        work, reply = stage.seen
        assert (work.visible, work.folded) == ("💭 Thought for 4 s\n✓ read notes.txt", "Hm")
        assert (reply.visible, reply.buttons) == ("Blue.", {})
        assert [each.notifies for each in stage.seen] == [False, True]


async def test_an_update_makes_one_call_and_nothing_new_makes_none() -> None:
    async with staged() as stage:
        assert not await stage.show(thought("Hm", closed=True), answer("Blue"))
        assert stage.calls() == ["POST"]
        assert await stage.show(thought("Hm", closed=True), answer("Blue"))
        assert await stage.show(thought("Hm", closed=True), answer("Blue"))
        assert stage.calls() == ["POST", "POST"]
        assert "not modified" not in stage.server.errors


async def test_an_update_over_the_limit_is_refused_without_a_call_and_holds_up_no_answer() -> None:
    async with staged() as stage:
        for count in range(6):
            stage.clock.now -= 1_100
            await stage.show(thought("word " * (count + 1)))
        with pytest.raises(RetryLater) as caught:
            await stage.show(thought("word " * 9))
        assert caught.value.scope == "updates"
        assert 0 < caught.value.seconds <= 5
        assert len(stage.calls()) == len(stage.pace.spent) == 6
        assert stage.server.rates.violations == []
        stage.clock.now -= 1_100
        with pytest.raises(RetryLater):
            await stage.show(thought("word", closed=True), answer("Blue."), final=True)
        assert stage.seen[-1].visible == "Blue."


async def test_calls_that_are_made_together_share_the_limit_of_the_channel() -> None:
    async with staged() as stage:
        await stage.platform.say(stage.chat, "first")
        saying = [stage.platform.say(stage.chat, f"reply {n}") for n in range(6)]
        results = await asyncio.gather(*saying, return_exceptions=True)
        assert [isinstance(each, RetryLater) for each in results] == [False] * 4 + [True] * 2
        assert stage.server.rates.violations == []


async def test_routes_that_share_a_limit_are_counted_together() -> None:
    async with staged() as stage:
        stage.server.rates.shared = {"PATCH messages": "POST messages"}
        for count in range(5):
            stage.clock.now -= 1_100
            await stage.show(thought("word " * (count + 1)))
        with pytest.raises(RetryLater):
            await stage.show(thought("word " * 9))
        assert len(stage.calls()) == 5
        assert stage.server.rates.violations == []


async def test_different_replies_to_one_message_all_arrive() -> None:
    async with staged() as stage:
        for text in ("a.txt is not used.", "I can read text."):
            await stage.platform.say(stage.chat, text, origin=stage.origin)
        assert [each.visible for each in stage.seen] == ["a.txt is not used.", "I can read text."]


async def test_the_answer_comes_before_the_thought_is_folded() -> None:
    async with staged() as stage:
        await stage.showing(thought("Hm"))
        stage.server.faults.extend([Fault(200, after=True)])
        with pytest.raises(Transient):
            await stage.show(thought("Hm", closed=True), answer("Blue."), final=True)
        work, reply = stage.seen
        assert reply.visible == "Blue."
        assert work.folded == ""


async def test_a_message_whose_response_was_lost_is_not_doubled() -> None:
    async with staged() as stage:
        stage.server.faults.append(Fault(200, after=True))
        with pytest.raises(Transient):
            await stage.show(answer("Blue."), final=True)
        await stage.finish(answer("Blue."))
        assert [each.visible for each in stage.seen] == ["Blue."]
        assert stage.calls() == ["POST", "POST"]


async def test_a_message_whose_response_was_lost_gets_the_newer_content() -> None:
    async with staged() as stage:
        stage.server.faults.append(Fault(200, after=True))
        with pytest.raises(Transient):
            await stage.show(thought("Hm"))
        await stage.showing(thought("Hm, hm"))
        assert [each.visible for each in stage.seen] == ["💭 Thinking…\nHm, hm"]
        assert stage.calls() == ["POST", "POST", "PATCH"]


async def test_a_restart_continues_with_the_same_messages() -> None:
    async with staged() as stage:
        await stage.showing(thought("Hm"))
        await stage.platform.close()
        stage.platform = stage.new_platform()
        await stage.finish(thought("Hm", closed=True), answer("Blue."))
        assert [each.visible for each in stage.seen] == ["💭 Thought for 4 s", "Blue."]


async def test_a_rate_limit_names_the_time_to_wait_and_what_it_covers() -> None:
    async with staged() as stage:
        stage.server.faults.append(Fault(429, 7.5))
        with pytest.raises(RetryLater) as own:
            await stage.show(answer("Blue."), final=True)
        assert (own.value.seconds, own.value.scope) == (7.5, "chat")
        stage.server.faults.append(Fault(429, 30, cloudflare=True))
        with pytest.raises(RetryLater) as ban:
            await stage.show(answer("Blue"))
        assert (ban.value.seconds, ban.value.scope) == (30, "channel")


async def test_a_global_rate_limit_holds_the_whole_channel() -> None:
    async with staged() as stage:
        stage.server.rates.calls.extend([stage.clock.now + 1_200] * 50)
        with pytest.raises(RetryLater) as caught:
            await stage.show(answer("Blue"))
        assert (caught.value.seconds, caught.value.scope) == (1.0, "channel")


async def test_errors_of_the_server_are_transient_and_of_permissions_final() -> None:
    async with staged() as stage:
        stage.server.faults.extend([Fault(502), Fault(503), Fault(403)])
        for kind in (Transient, Transient, Rejected):
            with pytest.raises(kind):
                await stage.show(answer("Blue."), final=True)


async def test_a_rejected_thought_does_not_take_the_answer_with_it() -> None:
    async with staged() as stage:
        stage.server.faults.append(Fault(403))
        await stage.finish(thought("Hm", closed=True), answer("Blue."))
        assert [each.visible for each in stage.seen] == ["Blue."]


async def test_a_deleted_answer_is_sent_again_and_a_deleted_thought_is_not() -> None:
    async with staged() as stage:
        await stage.showing(thought("Hm"))
        await stage.showing(thought("Hm"), answer("Blue"))
        for message in stage.seen:
            await stage.people.deletes(message)
        await stage.finish(thought("Hm", closed=True), answer("Blue."))
        assert [each.visible for each in stage.seen] == ["Blue."]


async def test_a_long_answer_notifies_once_and_stays_in_order() -> None:
    text = "\n\n".join(f"Paragraph {n}. " + "words and more words. " * 20 for n in range(20))
    async with staged() as stage:
        await stage.showing(answer(text[:3_000]))
        await stage.finish(answer(text))
        seen = stage.seen
        assert len(seen) > 4
        assert all(len(each.content) <= 2_000 for each in seen)
        assert [each.notifies for each in seen] == [True] + [False] * (len(seen) - 1)
        assert "\n".join(each.visible for each in seen).split() == text.split()
        assert not any(each.buttons for each in seen)
        assert stage.server.rates.violations == []


async def test_messages_that_the_end_does_not_need_are_deleted() -> None:
    async with staged() as stage:
        await stage.showing(answer("word " * 700))
        assert len(stage.seen) == 2
        await stage.finish(answer("A short answer after all."))
        assert [each.visible for each in stage.seen] == ["A short answer after all."]


async def test_in_a_group_the_answer_replies_to_the_question_and_pings_nobody() -> None:
    async with staged() as stage:
        asked = await stage.people.says(ADA, "Why?", GENERAL, mention=True)
        stage.chat = ChatAddress("discord", GENERAL)
        stage.origin = Origin(Sender(ADA), asked.id, is_group=True)
        await stage.finish(thought("Hm", closed=True), answer(f"@everyone, <@{ADA}>: blue."))
        work, reply = stage.seen
        assert (work.reply_to, reply.reply_to) == (None, asked.id)
        assert reply.pings == []
        assert reply.visible == f"@\u200beveryone, <@{ADA}>: blue."
        assert f"\\<@{ADA}>" in reply.content


async def test_an_answer_to_a_deleted_question_still_arrives() -> None:
    async with staged() as stage:
        stage.chat = ChatAddress("discord", GENERAL)
        stage.origin = Origin(Sender(ADA), "12345", is_group=True)
        await stage.finish(answer("Blue."))
        assert [each.visible for each in stage.seen] == ["Blue."]


async def test_an_answer_in_a_thread_stays_there() -> None:
    async with staged() as stage:
        stage.chat = ChatAddress("discord", GENERAL, THREAD)
        await stage.finish(answer("Blue."))
        assert [each.channel for each in stage.seen] == [THREAD]


async def test_on_request_there_is_a_button_and_not_a_character_of_the_thought() -> None:
    async with staged() as stage:
        await stage.showing(thought(""), mode="on_request")
        assert stage.seen[0].visible == "💭 Thinking…"
        await stage.finish(thought("", closed=True), answer("Blue."), mode="on_request")
        work, _ = stage.seen
        assert (work.visible, work.folded) == ("💭 Thought for 4 s", "")
        assert work.buttons == {"why:run-1": "Show the reasoning"}


async def test_a_thought_that_is_too_long_for_the_fold_has_a_button_for_all_of_it() -> None:
    async with staged() as stage:
        text = "One *careful* step after another. " * 300
        await stage.finish(thought(text, closed=True), answer("Done."))
        work, _ = stage.seen
        assert text.startswith(work.folded.removesuffix("…"))
        assert len(work.folded) > 2_000
        assert work.buttons == {"why:run-1": "Show all of it"}


async def test_the_closing_words_follow_the_partial_answer() -> None:
    async with staged() as stage:
        closing = "The model failed. [x](https://example.org)"
        await stage.finish(answer("Half"), status="failed", closing=closing)
        assert [each.visible for each in stage.seen] == [f"Half\n⚠️ {closing}"]
        stage.kept.value = b"null"
        await stage.finish(answer("word " * 399), closing="Stopped.", status="stopped", run_id="2")
        assert stage.seen[-1].visible == "⏹ Stopped."
        assert stage.seen[-1].flags & SILENT


async def test_notices_and_many_tools_stay_within_the_message() -> None:
    async with staged() as stage:
        tools = [tool("failed", f"read {'x' * 90} {n}", f"t{n}") for n in range(60)]
        notice = NoticeLine("retry", "The provider was asked again.")
        await stage.showing(thought("Hm " * 400), notice, *tools)
        await stage.finish(thought("*" * 9_000, closed=True), notice, *tools, answer("Done."))
        work, _ = stage.seen
        lines = work.visible.split("\n")
        assert lines[:2] == ["💭 Thought for 4 s", "…"]
        assert lines[-1].endswith(" 59")


async def test_replies_of_the_server_are_split_and_not_doubled() -> None:
    async with staged() as stage:
        stage.server.faults.append(Fault(200, after=True))
        with pytest.raises(Transient):
            await stage.platform.say(stage.chat, "word " * 700, origin=stage.origin)
        assert await stage.platform.say(stage.chat, "word " * 700, origin=stage.origin)
        assert [each.notifies for each in stage.seen] == [True, False]
        assert not await stage.platform.say(
            ChatAddress("discord", GENERAL),
            "secret",
            origin=Origin(Sender(ADA), "1", is_group=True),
            private=True,
        )
        assert stage.server.places.seen(GENERAL) == []


async def test_every_call_counts_against_the_limit_of_the_whole_bot() -> None:
    async with staged() as stage:
        await stage.platform.typing(stage.chat, stage.origin, on=True)
        await stage.platform.typing(stage.chat, stage.origin, on=False)
        assert stage.server.typing == [stage.chat.chat_id]
        assert stage.pace.spent == [("global", False)]
        await stage.finish(answer("Blue."))
        assert stage.pace.spent[1:] == [("global", True)]
