"""What a person sees in Telegram while a run is active, and what stays when it has ended."""

import pytest

from tests.channels.telegram.fake.server import Fault
from tests.channels.telegram.harness import ASKED, DIRECT, GROUP, Harness, open_harness, thought
from thinkaloud.channels.platform.content import Answer, NoticeLine, ToolLine
from thinkaloud.channels.platform.errors import Rejected, RetryLater
from thinkaloud.channels.platform.message import ChatAddress


def answer(text: str, *, is_open: bool = False) -> Answer:
    return Answer("a1", text, is_open)


def drafts(harness: Harness) -> list[tuple[str, str]]:
    return [(draft.thinking, draft.visible) for draft in harness.server.chats.all_drafts]


@pytest.mark.usefixtures("nonblocking")
async def test_a_thought_is_a_draft_that_grows_and_folds_into_the_answer_without_a_second_message() -> (
    None
):
    async with open_harness() as harness:
        await harness.show(thought("First", seconds=None))
        await harness.show(thought("First, carry.", seconds=None))
        await harness.show(thought("First, carry."), answer("It is", is_open=True))
        await harness.finish(thought("First, carry."), answer("It is 4."))
        assert drafts(harness) == [
            ("First", ""),
            ("First, carry.", ""),
            ("", "Thought for 4 s\nIt is"),
        ]
        assert {draft.draft_id for draft in harness.server.chats.all_drafts} != {0}
        assert len({draft.draft_id for draft in harness.server.chats.all_drafts}) == 1
        (message,) = harness.server.seen(1)
        assert message.visible == "Thought for 4 s\nIt is 4."
        assert message.folded == "First, carry."
        assert not message.silent
        assert harness.server.chats.draft_in(1) is None


async def test_a_long_silent_thought_keeps_its_draft_and_repeats_nothing_before_it_has_to() -> None:
    async with open_harness() as harness:
        await harness.show(thought("Hm", seconds=None))
        for _ in range(8):
            await harness.show(thought("Hm", seconds=None), pause=5)
            assert harness.server.chats.draft_in(1)
        assert len(drafts(harness)) == 3


async def test_nothing_is_sent_while_there_is_nothing_to_show() -> None:
    async with open_harness() as harness:
        await harness.show()
        await harness.show(chat=GROUP)
        assert harness.server.calls == []


async def test_tools_take_one_line_each_and_notices_and_closing_words_are_shown() -> None:
    async with open_harness() as harness:
        tools = [
            ToolLine("c1", "search", "search: <b>@all</b>", "done"),
            ToolLine("c2", "search", "search: again", "failed"),
        ]
        await harness.finish(
            *tools,
            NoticeLine("n", "Files were left out."),
            answer("Half"),
            closing="The run was stopped.",
        )
        (message,) = harness.server.seen(1)
        assert message.visible.splitlines() == [
            "✓ search: <b>@all</b>",
            "✗ search: again",
            "ℹ Files were left out.",
            "Half",
            "The run was stopped.",
        ]


async def test_a_group_sees_one_message_whose_thought_is_silent_and_whose_answer_notifies() -> None:
    async with open_harness() as harness:
        await harness.show(thought("H", seconds=None), chat=GROUP, pause=3)
        await harness.show(thought("Hm", seconds=None), chat=GROUP, pause=3)
        (message,) = harness.server.seen(-100)
        assert (message.visible, message.silent, message.edits) == ("Thinking…\nHm", True, 1)
        assert (message.buttons, message.reply_to) == (("stop:run-1",), 7)
        await harness.show(thought("Hm"), answer("So", is_open=True), chat=GROUP, pause=3)
        (message,) = harness.server.seen(-100)
        assert (message.visible, message.silent) == ("Thought for 4 s\nSo", False)
        await harness.finish(thought("Hm"), answer("So be it."), chat=GROUP)
        (message,) = harness.server.seen(-100)
        assert (message.visible, message.folded) == ("Thought for 4 s\nSo be it.", "Hm")
        assert (message.edits, message.silent, message.buttons) == (1, False, ())
        assert harness.server.chats.all_drafts == []


async def test_a_silent_message_that_could_not_be_deleted_is_deleted_later() -> None:
    async with open_harness() as harness:
        await harness.show(thought("Hm", seconds=None), chat=GROUP, pause=3)
        harness.server.faults.append(Fault(502, "deleteMessage", html=True))
        await harness.finish(thought("Hm"), answer("So."), chat=GROUP)
        assert [message.visible for message in harness.server.seen(-100)] == [
            "Thought for 4 s\nSo."
        ]


async def test_a_silent_message_that_somebody_else_deleted_is_no_obstacle() -> None:
    async with open_harness() as harness:
        await harness.show(thought("Hm", seconds=None), chat=GROUP, pause=3)
        harness.server.chats.delete(-100, harness.server.seen(-100)[0].message_id)
        await harness.finish(thought("Hm"), answer("So."), chat=GROUP)
        assert [message.folded for message in harness.server.seen(-100)] == ["Hm"]


async def test_the_stop_button_disappears_even_if_the_text_stays_the_same() -> None:
    async with open_harness() as harness:
        await harness.show(answer("Done."), chat=GROUP, pause=3)
        await harness.finish(answer("Done."), chat=GROUP)
        assert harness.server.seen(-100)[0].buttons == ()


async def test_a_rate_limited_draft_holds_up_only_drafts() -> None:
    async with open_harness() as harness:
        harness.server.faults.append(Fault(429, "sendRichMessageDraft", retry_after=280))
        with pytest.raises(RetryLater) as raised:
            await harness.show(thought("Hm", seconds=None))
        assert (raised.value.seconds, raised.value.scope) == (280, "updates")
        await harness.finish(thought("Hm"), answer("So."))
        assert harness.server.seen(1)[0].visible == "Thought for 4 s\nSo."


async def test_a_rate_limited_answer_arrives_once_when_the_time_is_over() -> None:
    async with open_harness() as harness:
        harness.server.faults.append(Fault(429, "sendRichMessage", retry_after=7))
        with pytest.raises(RetryLater) as raised:
            await harness.show(answer("So."), final=True)
        assert (raised.value.seconds, raised.value.scope) == (7, "chat")
        await harness.finish(answer("So."))
        assert [message.visible for message in harness.server.seen(1)] == ["So."]


async def test_a_rate_limit_without_a_time_is_one_too() -> None:
    async with open_harness() as harness:
        harness.server.faults.append(Fault(429, description="Too Many Requests"))
        with pytest.raises(RetryLater):
            await harness.show(answer("So."), final=True)


@pytest.mark.parametrize(
    "fault", [Fault(502, html=True), Fault(500), Fault(503, description="restart")]
)
async def test_an_answer_survives_a_server_that_fails_in_any_way(fault: Fault) -> None:
    async with open_harness() as harness:
        harness.server.faults.append(fault)
        await harness.finish(answer("So."))
        assert [message.visible for message in harness.server.seen(1)] == ["So."]
        assert {call.method for call in harness.server.calls} == {"sendRichMessage"}


async def test_an_edit_whose_response_was_lost_is_not_an_error_when_it_is_repeated() -> None:
    async with open_harness() as harness:
        await harness.show(answer("So", is_open=True), chat=GROUP)
        harness.server.faults.append(Fault(200, "editMessageText", lost=True))
        await harness.finish(answer("So be it."), chat=GROUP)
        (message,) = harness.server.seen(-100)
        assert (message.visible, message.edits) == ("So be it.", 1)


async def test_after_a_restart_the_same_message_is_edited_and_no_part_is_sent_again() -> None:
    async with open_harness() as before:
        long = "word " * 12_000
        await before.show(answer("word", is_open=True), chat=GROUP, pause=3)
        await before.show(answer(long), chat=GROUP, final=True, pause=3)
        assert len(before.server.seen(-100)) == 1
        async with open_harness() as after:
            after.server.chats = before.server.chats
            after.sent.stored = before.sent.stored
            await after.finish(answer(long), chat=GROUP)
            texts = [message.visible for message in after.server.seen(-100)]
    assert len(texts) == 2
    assert " ".join(" ".join(texts).split()) == long.strip()


async def test_a_message_that_somebody_deleted_is_left_alone_until_the_answer_is_there() -> None:
    async with open_harness() as harness:
        await harness.show(answer("So", is_open=True), chat=GROUP, pause=3)
        harness.server.chats.delete(-100, harness.server.seen(-100)[0].message_id)
        for text in ("So b", "So be", "So be i"):
            await harness.show(answer(text, is_open=True), chat=GROUP, pause=3)
        assert harness.server.seen(-100) == []
        await harness.finish(answer("So be it."), chat=GROUP)
        assert [message.visible for message in harness.server.seen(-100)] == ["So be it."]
        assert [call.method for call in harness.server.calls] == [
            "sendRichMessage",
            "editMessageText",
            "sendRichMessage",
        ]


async def test_a_frame_in_a_form_that_the_server_does_not_know_is_shown_again_at_once() -> None:
    async with open_harness() as harness:
        harness.server.unknown = {"sendRichMessage", "sendRichMessageDraft", "sendMessageDraft"}
        steps = [await harness.show(thought("Hm", seconds=None)) for _ in range(3)]
        assert steps == [False, False, True]
        assert harness.server.seen(1)[0].visible.split() == ["Thinking…", "Hm"]
    async with open_harness() as harness:
        harness.server.unknown = {"sendRichMessage"}
        steps = [await harness.show(thought("Hm", seconds=None), chat=GROUP) for _ in range(2)]
        assert steps == [False, True]
        assert harness.server.seen(-100)


async def test_a_long_answer_is_split_between_words_and_a_code_block_is_opened_again() -> None:
    async with open_harness() as harness:
        words = " ".join(f"word{number}" for number in range(9_000))
        await harness.finish(answer(words))
        texts = [message.visible for message in harness.server.seen(1)]
        assert len(texts) == 3
        assert " ".join(text.strip() for text in texts) == words


async def test_a_thought_longer_than_a_message_never_delays_the_answer() -> None:
    async with open_harness() as harness:
        long = "\n\n".join(f"Step {number} of the thought." for number in range(4_000))
        await harness.finish(thought(long), answer("So."))
        messages = harness.server.seen(1)
        assert messages[0].visible == "Thought for 4 s\nSo."
        assert [message.silent for message in messages] == [False] + [True] * (len(messages) - 1)
        folded = "\n".join(message.folded for message in messages)
        assert [line for line in folded.splitlines() if line] == [
            line for line in long.splitlines() if line
        ]


async def test_a_server_without_rich_messages_gets_html_with_an_expandable_quotation() -> None:
    async with open_harness() as harness:
        harness.server.unknown = {"sendRichMessage", "sendRichMessageDraft"}
        await harness.show(thought("Hm <i>@somebody", seconds=None))
        await harness.show(thought("Hm <i>@somebody", seconds=None))
        assert harness.server.chats.all_drafts[-1].visible == "Hm <i>@\u2060somebody"
        await harness.finish(thought("Hm <i>@somebody"), answer("x < y & @somebody"))
        (message,) = harness.server.seen(1)
        assert message.visible == "\n\nx < y & @\u2060somebody"
        assert message.folded == "Thought for 4 s\nHm <i>@\u2060somebody"
        assert message.notified == ()
        text = harness.server.called("sendMessage")[0].parameters["text"]
        assert text.startswith("<blockquote expandable>")


async def test_a_server_without_drafts_gets_a_message_that_is_edited() -> None:
    async with open_harness() as harness:
        harness.server.unknown = {"sendRichMessage", "sendRichMessageDraft", "sendMessageDraft"}
        for text in ("H", "Hm", "Hmm", "Hmm…", "Hmm…!"):
            await harness.show(thought(text, seconds=None), pause=3)
        await harness.finish(thought("Hmm…!"), answer("So."))
        (message,) = harness.server.seen(1)
        assert message.visible.strip() == "So."
        assert [call.method for call in harness.server.calls if call.status == 200] == [
            "sendMessage",
            "editMessageText",
            "editMessageText",
            "sendMessage",
            "deleteMessage",
        ]


async def test_content_that_the_server_rejects_arrives_in_a_simpler_form() -> None:
    async with open_harness() as harness:
        for description in ("RICH_MESSAGE_INVALID", "can't parse entities"):
            harness.server.faults.append(Fault(400, description=f"Bad Request: {description}"))
        await harness.finish(answer("So <be> it."))
        (message,) = harness.server.seen(1)
        assert message.visible == "So <be> it."
        assert [call.method for call in harness.server.calls] == [
            "sendRichMessage",
            "sendMessage",
            "sendMessage",
        ]
        # It concerned this message only.
        harness.sent.stored = None
        await harness.finish(answer("Next."))
        assert harness.server.calls[-1].method == "sendRichMessage"


async def test_a_person_who_blocked_the_bot_is_given_up() -> None:
    async with open_harness() as harness:
        harness.server.chats.blocked.add(1)
        with pytest.raises(Rejected, match="blocked"):
            await harness.finish(answer("So."))


async def test_a_rejected_draft_is_not_tried_again_in_this_run() -> None:
    async with open_harness() as harness:
        fault = Fault(400, "sendRichMessageDraft", description="Bad Request: NO_DRAFTS_HERE")
        harness.server.faults.append(fault)
        await harness.show(thought("H", seconds=None))
        await harness.show(thought("Hm", seconds=None))
        assert len(harness.server.calls) == 1
        await harness.finish(thought("Hm"), answer("So."))
        assert len(harness.server.seen(1)) == 1


async def test_on_request_offers_a_button_and_shows_no_reasoning() -> None:
    async with open_harness() as harness:
        await harness.show(thought("", seconds=None), mode="on_request")
        assert harness.server.chats.all_drafts[-1].thinking == "Thinking…"
        await harness.finish(thought(""), answer("So."), mode="on_request")
        (message,) = harness.server.seen(1)
        assert (message.visible, message.folded) == ("Thought for 4 s\nSo.", "")
        assert message.buttons == ("why:run-1",)


async def test_off_shows_only_the_answer() -> None:
    async with open_harness() as harness:
        await harness.show(mode="off")
        await harness.show(answer("S", is_open=True), mode="off")
        await harness.finish(answer("So."), mode="off")
        assert drafts(harness) == [("", "S")]
        assert harness.server.seen(1)[0].buttons == ()


async def test_an_answer_in_a_topic_stays_in_its_topic() -> None:
    async with open_harness() as harness:
        topic = ChatAddress("telegram", "-100", "55")
        await harness.finish(answer("So."), chat=topic)
        assert harness.server.seen(-100)[0].thread_id == 55


async def test_a_group_that_became_a_supergroup_gets_the_answer_under_its_new_id() -> None:
    async with open_harness() as harness:
        harness.server.chats.kinds |= {-5: "group", -1005: "supergroup"}
        harness.server.moved[-5] = -1005
        await harness.finish(answer("So."), chat=ChatAddress("telegram", "-5"))
        assert [message.visible for message in harness.server.seen(-1005)] == ["So."]


async def test_why_in_a_group_is_seen_by_the_person_who_asked_only() -> None:
    async with open_harness() as harness:
        assert await harness.platform.say(GROUP, "Because.", origin=ASKED, private=True)
        assert harness.server.seen(-100)[0].reader == 1
        harness.server.faults += [
            Fault(400, description="Bad Request: EPHEMERAL_NOT_ALLOWED") for _ in range(3)
        ]
        assert not await harness.platform.say(GROUP, "Because.", origin=ASKED, private=True)
        assert not await harness.platform.say(GROUP, "Because.", private=True)
        assert len(harness.server.seen(-100)) == 1


async def test_a_long_reply_that_is_rate_limited_in_the_middle_repeats_nothing() -> None:
    async with open_harness() as harness:
        text = " ".join(f"word{number}" for number in range(9_000))
        harness.server.rates.on = False
        harness.server.faults.append(Fault(429, "sendRichMessage", retry_after=2, after=1))
        assert await harness.platform.say(DIRECT, text)
        texts = [message.visible.strip() for message in harness.server.seen(1)]
        assert " ".join(texts) == text


async def test_typing_is_shown_only_where_no_draft_is() -> None:
    async with open_harness() as harness:
        await harness.platform.typing(DIRECT, ASKED, on=True)
        await harness.show(thought("Hm", seconds=None))
        await harness.platform.typing(DIRECT, ASKED, on=True)
        await harness.platform.typing(GROUP, ASKED, on=False)
        assert harness.server.typing == [1]


async def test_calls_beside_the_answer_count_against_the_same_budgets() -> None:
    async with open_harness() as harness:
        await harness.platform.typing(GROUP, ASKED, on=True)
        await harness.platform.say(GROUP, "So.")
        assert harness.pace.spent == [("all", False), ("group", True), ("all", True)]
        assert harness.platform.limits.show_spends == ("all", "group")
