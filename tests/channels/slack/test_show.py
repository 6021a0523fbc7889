"""What a person sees of a run in Slack."""

from collections.abc import AsyncGenerator

import pytest

from tests.channels.slack.fake.server import Fault
from tests.channels.slack.harness import Harness, answer, open_harness, thought, tool, words
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient


@pytest.fixture
async def harness() -> AsyncGenerator[Harness]:
    async with open_harness() as harness:
        yield harness


async def test_a_thought_grows_in_one_message_and_folds_under_the_answer(harness: Harness) -> None:
    await harness.show(thought("Six times seven. I know "))
    assert harness.only.visible == "Thinking…"
    assert harness.only.folded == "Six times seven. I know"
    await harness.show(thought("Six times seven. I know that one.", closed=True), answer("It is "))
    await harness.finish(
        thought("Six times seven. I know that one.", closed=True), answer("It is **42**.")
    )
    assert harness.only.visible == "Thought for 4 s\nIt is **42**."
    assert harness.only.folded == "Six times seven. I know that one."
    assert harness.methods() == ["chat.startStream", "chat.appendStream", "chat.stopStream"]


async def test_the_stream_answers_the_person_in_the_thread_of_the_question(
    harness: Harness,
) -> None:
    await harness.show(answer("Yes, "))
    assert harness.only.thread_ts == harness.asked.ts
    assert harness.only.stream is not None
    assert harness.only.stream.recipient == "U0ADA"


async def test_only_an_answer_has_no_plan(harness: Harness) -> None:
    await harness.finish(answer("It is 42."))
    assert harness.only.visible == "It is 42."
    assert harness.only.folded == ""


async def test_nothing_is_sent_before_there_is_something_to_read(harness: Harness) -> None:
    await harness.show()
    await harness.show(thought(""), mode="on_request")
    assert harness.sent == []


async def test_folded_shows_that_the_model_thinks_and_the_thought_when_it_has_ended(
    harness: Harness,
) -> None:
    await harness.show(thought(""), mode="folded")
    assert (harness.only.visible, harness.only.folded) == ("Thinking…", "Thinking…")
    await harness.finish(thought("Six. Seven.", closed=True), answer("42"), mode="folded")
    assert (harness.only.visible, harness.only.folded) == ("Thought for 4 s\n42", "Six. Seven.")
    assert "chat.update" not in harness.methods()


async def test_a_thought_that_stays_without_text_leaves_no_row_in_progress(
    harness: Harness,
) -> None:
    await harness.show(thought(""))
    await harness.finish(thought("", closed=True), answer("42"))
    assert (harness.only.visible, harness.only.folded) == ("Thought for 4 s\n42", "Thought")
    assert "chat.update" not in harness.methods()


async def test_the_same_content_again_makes_no_call(harness: Harness) -> None:
    for _ in range(2):
        await harness.show(thought("I think so. "), answer("Yes, "))
    for _ in range(2):
        await harness.finish(thought("I think so.", closed=True), answer("Yes, indeed."))
    assert harness.methods() == ["chat.startStream", "chat.stopStream"]
    assert harness.slack.workspace.unmodified == []


async def test_each_tool_has_a_row_that_ends_as_the_tool_did(harness: Harness) -> None:
    await harness.show(tool("running", "search the web"))
    await harness.finish(
        tool("failed", "search the web"), tool("done", name="t2"), answer("I found nothing.")
    )
    assert harness.only.stream is not None
    assert [task.status for task in harness.only.stream.tasks.values()] == ["error", "complete"]
    assert harness.only.visible == "Used 2 tools\nI found nothing."


async def test_no_row_is_left_in_progress_when_a_run_is_stopped(harness: Harness) -> None:
    await harness.show(thought("Let me see. I have to "))
    await harness.finish(
        thought("Let me see. I have to", closed=False), closing="You stopped this."
    )
    assert harness.only.stream is not None
    assert {task.status for task in harness.only.stream.tasks.values()} == {"complete"}
    assert harness.only.visible.endswith("You stopped this.")


async def test_a_long_thought_is_complete_behind_the_fold(harness: Harness) -> None:
    text = words(900)
    for end in range(200, len(text), 900):
        await harness.show(thought(text[:end]))
    await harness.finish(thought(text, closed=True), answer("Done."))
    folded = harness.only.folded.replace("… and more", "").split()
    assert folded == text.split()
    assert harness.only.visible == "Thought for 4 s\nDone.\nThe rest of the thought"
    assert harness.slack.errors == []


async def test_a_thought_without_spaces_and_with_wide_characters_fits(harness: Harness) -> None:
    for text in ("思" * 3_000, "🧠" * 2_000, "x" * 5_000):
        harness.kept.value = b"null"
        await harness.show(thought(text))
        await harness.finish(thought(text, closed=True), answer("Done."))
    assert harness.slack.errors == []


async def test_a_long_answer_continues_in_further_messages_in_order(harness: Harness) -> None:
    text = "\n\n".join(words(90) for _ in range(50))
    for end in range(100, len(text), 3_000):
        await harness.show(answer(text[:end]))
    await harness.finish(answer(text))
    shown = " ".join(message.visible for message in harness.sent)
    assert shown.split() == text.split()
    assert len(harness.sent) == 4
    assert harness.slack.errors == []


async def test_a_code_block_that_is_cut_is_closed_and_opened_again(harness: Harness) -> None:
    code = "\n".join(f"print({number}, 'a line of code')" for number in range(300))
    await harness.show(answer(f"Here:\n\n```python\n{code[:2000]}"))
    await harness.finish(answer(f"Here:\n\n```python\n{code}\n```\n\nThat is all."))
    assert len(harness.sent) == 2
    for message in harness.sent:
        assert message.visible.count("```") == 2
    assert harness.sent[1].visible.startswith("```python\nprint(")


async def test_what_is_behind_the_fold_does_not_notify(harness: Harness) -> None:
    harness.slack.streams.enabled = False
    await harness.show(thought("A private thought. It has more "))
    await harness.finish(thought("A private thought.", closed=True), answer("The answer."))
    texts = [given.get("text", "") for _, given in harness.slack.calls]
    assert not any("private" in text for text in texts)


async def test_without_streaming_one_message_is_edited_and_folded(harness: Harness) -> None:
    harness.slack.streams.enabled = False
    assert await harness.show(thought("I look it up. It is ")) is False
    await harness.show(thought("I look it up. It is "))
    assert harness.only.visible == "💭 Thinking… I look it up. It is"
    await harness.finish(thought("I look it up. It is easy.", closed=True), answer("42"))
    assert harness.only.visible == "Thought for 4 s\n42"
    assert harness.only.folded == "I look it up. It is easy."
    assert harness.methods() == ["chat.postMessage", "chat.update"]


async def test_without_containers_a_button_shows_the_thought(harness: Harness) -> None:
    harness.slack.streams.enabled = harness.slack.workspace.containers = False
    await harness.finish(thought("Hm.", closed=True), answer("42"))
    assert harness.only.visible == "💭 Thought for 4 s\n42\n[Show the thought]"
    assert [button["action_id"] for button in harness.only.buttons] == ["why:run-1"]


async def test_on_request_shows_a_button_and_no_thought(harness: Harness) -> None:
    hidden = thought("", closed=True)
    await harness.show(hidden, answer("It is "), mode="on_request")
    await harness.finish(hidden, answer("It is 42."), mode="on_request")
    assert harness.only.visible == "It is 42.\n💭 Thought for 4 s\n[Show the thought]"
    assert harness.only.folded == ""


async def test_a_stream_is_ended_before_slack_ends_it_and_the_message_goes_on(
    harness: Harness,
) -> None:
    text = words(60)
    for minutes in range(8):
        await harness.show(thought(text[: 40 * (minutes + 1)]))
        await harness.show(thought(text[: 40 * (minutes + 1)]))
        harness.clock.now_ms += 60_000
    assert harness.only.stream is None
    await harness.finish(thought(text, closed=True), answer("Done."))
    assert harness.only.visible == "Thought for 4 s\nDone."
    assert harness.only.folded == text
    assert harness.slack.errors == []


async def test_a_stream_that_slack_ended_becomes_the_complete_message(harness: Harness) -> None:
    await harness.show(thought("I think. And then "), answer("It "))
    harness.slack.workspace.messages[-1].stream.started -= 400  # type: ignore[union-attr]
    await harness.finish(thought("I think. And then I know.", closed=True), answer("It is 42."))
    assert harness.only.visible == "Thought for 4 s\nIt is 42."
    assert harness.only.folded == "I think. And then I know."


async def test_after_the_stop_button_the_message_says_so_and_the_session_ends(
    harness: Harness,
) -> None:
    await harness.platform.typing(harness.chat, harness.origin, on=True)
    await harness.show(thought("I think. And then "))
    await harness.people.presses_stop("U0ADA", harness.channel, harness.asked.ts)
    await harness.finish(thought("I think. And then"), closing="You stopped this.")
    assert harness.only.visible == "Thought for 1 s\nYou stopped this."
    assert harness.slack.workspace.sessions[harness.channel, harness.asked.ts] == "active"


@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_answer_of_an_append_neither_loses_nor_doubles_text(
    harness: Harness, after: bool
) -> None:
    await harness.show(thought("One. Two "), answer("First, "))
    harness.slack.fail("chat.appendStream", Fault(after=after, hang_up=True))
    with pytest.raises(Transient):
        await harness.show(thought("One. Two three "), answer("First, second, "))
    await harness.show(thought("One. Two three "), answer("First, second, and "))
    assert harness.only.visible.count("second") == (1 if after else 0)
    await harness.finish(thought("One. Two three.", closed=True), answer("First, second, third."))
    assert harness.only.visible == "Thought for 4 s\nFirst, second, third."
    assert harness.only.folded == "One. Two three."


@pytest.mark.parametrize("method", ["chat.stopStream", "chat.postMessage"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_answer_anywhere_leaves_one_complete_message(
    harness: Harness, method: str, after: bool
) -> None:
    harness.slack.fail(method, Fault(502, "<html>Bad Gateway</html>", "text/html", after=after))
    if method == "chat.postMessage":
        harness.slack.streams.enabled = False
        await harness.show(answer("It "))
    else:
        harness.slack.fail("chat.appendStream", Fault(503, "busy", "text/plain"))
    for text in ("It is ", "It is forty ", "It is forty-two "):
        try:
            await harness.show(thought("Hm. So "), answer(text))
        except Transient:
            continue
    for _ in range(2):
        try:
            await harness.finish(thought("Hm. So.", closed=True), answer("It is forty-two."))
        except Transient:
            continue
    assert harness.only.visible == "Thought for 4 s\nIt is forty-two."
    assert harness.only.folded == "Hm. So."


async def test_a_rate_limit_at_the_end_shows_the_answer_at_once_and_ends_the_stream_later(
    harness: Harness,
) -> None:
    await harness.show(answer("It "))
    harness.slack.fail("chat.stopStream", Fault.limited(20))
    with pytest.raises(RetryLater) as caught:
        await harness.show(answer("It is 42."), final=True, status="completed")
    assert (caught.value.seconds, caught.value.scope) == (20, "chat")
    assert harness.only.visible == "It is 42."
    assert harness.only.stream is not None
    assert harness.only.stream.open
    harness.clock.now_ms += 20_000
    await harness.finish(answer("It is 42."))
    assert not harness.only.stream.open


async def test_when_no_stream_may_be_started_the_answer_is_posted(harness: Harness) -> None:
    harness.pace.exhausted = {"start"}
    assert await harness.show(thought("Hm. So "), answer("It ")) is False
    assert harness.sent == []
    await harness.finish(thought("Hm. So.", closed=True), answer("It is 42."))
    assert harness.only.visible == "Thought for 4 s\nIt is 42."


async def test_after_a_restart_the_stream_continues_and_nothing_is_doubled(
    harness: Harness,
) -> None:
    await harness.show(thought("One. Two "), answer("First, "))
    await harness.platform.close()
    harness.platform = harness.new_platform()
    await harness.show(thought("One. Two three "), answer("First, second, "))
    await harness.finish(thought("One. Two three.", closed=True), answer("First, second, third."))
    assert harness.only.visible == "Thought for 4 s\nFirst, second, third."
    assert harness.only.folded == "One. Two three."


async def test_a_crash_between_a_call_and_its_record_doubles_nothing(harness: Harness) -> None:
    await harness.show(answer("First, "))
    before = harness.kept.value
    await harness.show(answer("First, second, "))
    await harness.platform.close()
    harness.kept.value, harness.platform = before, harness.new_platform()
    await harness.finish(answer("First, second, third."))
    assert harness.only.visible == "First, second, third."


async def test_a_thought_beyond_all_limits_ends_with_a_way_to_read_it(harness: Harness) -> None:
    text = words(5_000)
    await harness.show(thought(text[:9_000]))
    await harness.finish(thought(text, closed=True), answer("Done."))
    assert harness.only.folded.endswith("Send !why to read all of it.")
    assert harness.slack.errors == []
    harness.kept.value, harness.slack.streams.enabled = b"null", False
    await harness.finish(thought(text, closed=True), answer("Done."))
    assert harness.sent[-1].folded.endswith("Send !why to read all of it.")


async def test_text_that_was_taken_back_is_replaced_at_the_end(harness: Harness) -> None:
    await harness.show(answer("Let me think about "))
    await harness.show(thought("Let me think about it. "), answer(""))
    await harness.finish(thought("Let me think about it.", closed=True), answer("It is 42."))
    assert harness.only.visible == "Thought for 4 s\nIt is 42."


async def test_a_message_that_was_deleted_is_sent_again_with_the_answer(harness: Harness) -> None:
    await harness.show(answer("It "))
    harness.slack.workspace.messages.remove(harness.only)
    await harness.show(answer("It is "))
    await harness.show(answer("It is forty "))
    assert harness.sent == []
    await harness.finish(answer("It is forty-two."))
    assert harness.only.visible == "It is forty-two."


async def test_a_stream_that_one_chat_refuses_becomes_a_message_there(harness: Harness) -> None:
    harness.slack.fail("chat.startStream", Fault.error("user_not_in_channel"))
    await harness.show(thought("Hm. So "), answer("It "))
    await harness.finish(thought("Hm. So.", closed=True), answer("It is 42."))
    assert harness.only.visible == "Thought for 4 s\nIt is 42."
    assert harness.methods() == ["chat.postMessage"]


async def test_if_slack_takes_no_folded_block_at_the_end_a_button_shows_the_rest(
    harness: Harness,
) -> None:
    harness.slack.workspace.containers = False
    text = words(900)
    await harness.show(thought(text[:3_000]))
    await harness.finish(thought(text, closed=True), answer("Done."))
    assert harness.only.visible == "Thought for 4 s\nDone.\n[Show the thought]"
    assert harness.only.folded.startswith("word0 word1 ")


async def test_a_stream_that_is_full_earlier_than_expected_is_replaced(harness: Harness) -> None:
    await harness.show(thought("Hm. So "), answer("It "))
    harness.slack.fail("chat.appendStream", Fault.error("msg_too_long"))
    await harness.show(thought("Hm. So "), answer("It is "))
    await harness.show(thought("Hm. So "), answer("It is forty"))
    await harness.finish(thought("Hm. So.", closed=True), answer("It is forty-two."))
    assert harness.only.visible == "Thought for 4 s\nIt is forty-two."
    assert harness.only.folded == "Hm. So."


async def test_a_message_that_can_no_longer_be_edited_is_sent_again(harness: Harness) -> None:
    harness.slack.streams.enabled = False
    await harness.show(answer("It "))
    await harness.show(answer("It "))
    harness.slack.fail("chat.update", Fault.error("edit_window_closed"))
    await harness.finish(answer("It is 42."))
    assert [message.visible.strip() for message in harness.sent] == ["It", "It is 42."]


async def test_blocks_that_slack_refuses_become_plain_text(harness: Harness) -> None:
    harness.slack.fail("chat.postMessage", *[Fault.error("invalid_blocks")] * 2)
    await harness.finish(thought("Hm.", closed=True), answer("It is **42**."))
    assert harness.only.visible == "It is 42."


@pytest.mark.parametrize("method", ["chat.stopStream", "chat.postMessage"])
async def test_an_answer_arrives_once_a_revoked_token_has_been_replaced(
    harness: Harness, method: str
) -> None:
    if method == "chat.stopStream":
        await harness.show(answer("It "))
    harness.slack.streams.enabled = method != "chat.postMessage"
    harness.slack.fail(method, *[Fault.error("token_revoked")] * 2)
    for _ in range(2):
        with pytest.raises(Transient, match="copy the bot token"):
            await harness.finish(answer("It is 42."))
    await harness.finish(answer("It is 42."))
    assert harness.only.visible == "It is 42."


async def test_a_chat_that_is_gone_is_rejected(harness: Harness) -> None:
    del harness.slack.workspace.members[harness.channel]
    with pytest.raises(Rejected, match="channel_not_found"):
        await harness.show(answer("It is "))


async def test_markup_and_mentions_in_a_thought_are_inert(harness: Harness) -> None:
    hostile = "<!channel> <@U0ADA> @here <https://evil.example|your bank> </think> *bold* "
    await harness.show(thought(hostile * 3), answer(hostile))
    await harness.finish(thought(hostile * 30, closed=True), answer(hostile), tool(title=hostile))
    for sent in harness.slack.sent:
        for trigger in ("<!channel>", "<@U0ADA>", "@here", "|your bank>"):
            assert (
                trigger not in sent.replace("<https://evil.example", "") or trigger == "|your bank>"
            )
        assert "<https://evil" not in sent
