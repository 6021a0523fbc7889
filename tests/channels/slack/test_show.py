"""What a person sees of a run in Slack."""

from collections.abc import AsyncGenerator

import pytest

from tests.channels.slack.fake.server import Fault
from tests.channels.slack.staging import Stage, answer, staged, thought, tool, words
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient


@pytest.fixture
async def stage() -> AsyncGenerator[Stage]:
    async with staged() as stage:
        yield stage


async def test_a_thought_grows_in_one_message_and_folds_under_the_answer(stage: Stage) -> None:
    await stage.show(thought("Six times seven. I know "))
    assert stage.only.visible == "Thinking…"
    assert stage.only.folded == "Six times seven. I know"
    await stage.show(thought("Six times seven. I know that one.", closed=True), answer("It is "))
    await stage.finish(
        thought("Six times seven. I know that one.", closed=True), answer("It is **42**.")
    )
    assert stage.only.visible == "Thought for 4 s\nIt is **42**."
    assert stage.only.folded == "Six times seven. I know that one."
    assert stage.methods() == ["chat.startStream", "chat.appendStream", "chat.stopStream"]


async def test_the_stream_answers_the_person_in_the_thread_of_the_question(stage: Stage) -> None:
    await stage.show(answer("Yes, "))
    assert stage.only.thread_ts == stage.asked.ts
    assert stage.only.stream is not None
    assert stage.only.stream.recipient == "U0ADA"


async def test_only_an_answer_has_no_plan(stage: Stage) -> None:
    await stage.finish(answer("It is 42."))
    assert stage.only.visible == "It is 42."
    assert stage.only.folded == ""


async def test_nothing_is_sent_before_there_is_something_to_read(stage: Stage) -> None:
    await stage.show()
    await stage.show(thought(""), mode="on_request")
    assert stage.sent == []


async def test_folded_shows_that_the_model_thinks_and_the_thought_when_it_has_ended(
    stage: Stage,
) -> None:
    await stage.show(thought(""), mode="folded")
    assert (stage.only.visible, stage.only.folded) == ("Thinking…", "Thinking…")
    await stage.finish(thought("Six. Seven.", closed=True), answer("42"), mode="folded")
    assert (stage.only.visible, stage.only.folded) == ("Thought for 4 s\n42", "Six. Seven.")
    assert "chat.update" not in stage.methods()


async def test_a_thought_that_stays_without_text_leaves_no_row_in_progress(stage: Stage) -> None:
    await stage.show(thought(""))
    await stage.finish(thought("", closed=True), answer("42"))
    assert (stage.only.visible, stage.only.folded) == ("Thought for 4 s\n42", "Thought")
    assert "chat.update" not in stage.methods()


async def test_the_same_content_again_makes_no_call(stage: Stage) -> None:
    for _ in range(2):
        await stage.show(thought("I think so. "), answer("Yes, "))
    for _ in range(2):
        await stage.finish(thought("I think so.", closed=True), answer("Yes, indeed."))
    assert stage.methods() == ["chat.startStream", "chat.stopStream"]
    assert stage.slack.workspace.unmodified == []


async def test_each_tool_has_a_row_that_ends_as_the_tool_did(stage: Stage) -> None:
    await stage.show(tool("running", "search the web"))
    await stage.finish(
        tool("failed", "search the web"), tool("done", name="t2"), answer("I found nothing.")
    )
    assert stage.only.stream is not None
    assert [task.status for task in stage.only.stream.tasks.values()] == ["error", "complete"]
    assert stage.only.visible == "Used 2 tools\nI found nothing."


async def test_no_row_is_left_in_progress_when_a_run_is_stopped(stage: Stage) -> None:
    await stage.show(thought("Let me see. I have to "))
    await stage.finish(thought("Let me see. I have to", closed=False), closing="You stopped this.")
    assert stage.only.stream is not None
    assert {task.status for task in stage.only.stream.tasks.values()} == {"complete"}
    assert stage.only.visible.endswith("You stopped this.")


async def test_a_long_thought_is_complete_behind_the_fold(stage: Stage) -> None:
    text = words(900)
    for end in range(200, len(text), 900):
        await stage.show(thought(text[:end]))
    await stage.finish(thought(text, closed=True), answer("Done."))
    folded = stage.only.folded.replace("… and more", "").split()
    assert folded == text.split()
    assert stage.only.visible == "Thought for 4 s\nDone.\nThe rest of the thought"
    assert stage.slack.errors == []


async def test_a_thought_without_spaces_and_with_wide_characters_fits(stage: Stage) -> None:
    for text in ("思" * 3_000, "🧠" * 2_000, "x" * 5_000):
        stage.kept.value = b"null"
        await stage.show(thought(text))
        await stage.finish(thought(text, closed=True), answer("Done."))
    assert stage.slack.errors == []


async def test_a_long_answer_continues_in_further_messages_in_order(stage: Stage) -> None:
    text = "\n\n".join(words(90) for _ in range(50))
    for end in range(100, len(text), 3_000):
        await stage.show(answer(text[:end]))
    await stage.finish(answer(text))
    shown = " ".join(message.visible for message in stage.sent)
    assert shown.split() == text.split()
    assert len(stage.sent) == 4
    assert stage.slack.errors == []


async def test_a_code_block_that_is_cut_is_closed_and_opened_again(stage: Stage) -> None:
    code = "\n".join(f"print({number}, 'a line of code')" for number in range(300))
    await stage.show(answer(f"Here:\n\n```python\n{code[:2000]}"))
    await stage.finish(answer(f"Here:\n\n```python\n{code}\n```\n\nThat is all."))
    assert len(stage.sent) == 2
    for message in stage.sent:
        assert message.visible.count("```") == 2
    assert stage.sent[1].visible.startswith("```python\nprint(")


async def test_what_is_behind_the_fold_does_not_notify(stage: Stage) -> None:
    stage.slack.streams.enabled = False
    await stage.show(thought("A private thought. It has more "))
    await stage.finish(thought("A private thought.", closed=True), answer("The answer."))
    texts = [given.get("text", "") for _, given in stage.slack.calls]
    assert not any("private" in text for text in texts)


async def test_without_streaming_one_message_is_edited_and_folded(stage: Stage) -> None:
    stage.slack.streams.enabled = False
    assert await stage.show(thought("I look it up. It is ")) is False
    await stage.show(thought("I look it up. It is "))
    assert stage.only.visible == "💭 Thinking… I look it up. It is"
    await stage.finish(thought("I look it up. It is easy.", closed=True), answer("42"))
    assert stage.only.visible == "Thought for 4 s\n42"
    assert stage.only.folded == "I look it up. It is easy."
    assert stage.methods() == ["chat.postMessage", "chat.update"]


async def test_without_containers_a_button_shows_the_thought(stage: Stage) -> None:
    stage.slack.streams.enabled = stage.slack.workspace.containers = False
    await stage.finish(thought("Hm.", closed=True), answer("42"))
    assert stage.only.visible == "💭 Thought for 4 s\n42\n[Show the thought]"
    assert [button["action_id"] for button in stage.only.buttons] == ["why:run-1"]


async def test_on_request_shows_a_button_and_no_thought(stage: Stage) -> None:
    hidden = thought("", closed=True)
    await stage.show(hidden, answer("It is "), mode="on_request")
    await stage.finish(hidden, answer("It is 42."), mode="on_request")
    assert stage.only.visible == "It is 42.\n💭 Thought for 4 s\n[Show the thought]"
    assert stage.only.folded == ""


async def test_a_stream_is_ended_before_slack_ends_it_and_the_message_goes_on(stage: Stage) -> None:
    text = words(60)
    for minutes in range(8):
        await stage.show(thought(text[: 40 * (minutes + 1)]))
        await stage.show(thought(text[: 40 * (minutes + 1)]))
        stage.clock.now_ms += 60_000
    assert stage.only.stream is None
    await stage.finish(thought(text, closed=True), answer("Done."))
    assert stage.only.visible == "Thought for 4 s\nDone."
    assert stage.only.folded == text
    assert stage.slack.errors == []


async def test_a_stream_that_slack_ended_becomes_the_complete_message(stage: Stage) -> None:
    await stage.show(thought("I think. And then "), answer("It "))
    stage.slack.workspace.messages[-1].stream.started -= 400  # type: ignore[union-attr]
    await stage.finish(thought("I think. And then I know.", closed=True), answer("It is 42."))
    assert stage.only.visible == "Thought for 4 s\nIt is 42."
    assert stage.only.folded == "I think. And then I know."


async def test_after_the_stop_button_the_message_says_so_and_the_session_ends(
    stage: Stage,
) -> None:
    await stage.platform.typing(stage.chat, stage.origin, on=True)
    await stage.show(thought("I think. And then "))
    await stage.people.presses_stop("U0ADA", stage.channel, stage.asked.ts)
    await stage.finish(thought("I think. And then"), closing="You stopped this.")
    assert stage.only.visible == "Thought for 1 s\nYou stopped this."
    assert stage.slack.workspace.sessions[stage.channel, stage.asked.ts] == "active"


@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_answer_of_an_append_neither_loses_nor_doubles_text(
    stage: Stage, after: bool
) -> None:
    await stage.show(thought("One. Two "), answer("First, "))
    stage.slack.fail("chat.appendStream", Fault(after=after, hang_up=True))
    with pytest.raises(Transient):
        await stage.show(thought("One. Two three "), answer("First, second, "))
    await stage.show(thought("One. Two three "), answer("First, second, and "))
    assert stage.only.visible.count("second") == (1 if after else 0)
    await stage.finish(thought("One. Two three.", closed=True), answer("First, second, third."))
    assert stage.only.visible == "Thought for 4 s\nFirst, second, third."
    assert stage.only.folded == "One. Two three."


@pytest.mark.parametrize("method", ["chat.startStream", "chat.stopStream", "chat.postMessage"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_answer_anywhere_leaves_one_complete_message(
    stage: Stage, method: str, after: bool
) -> None:
    stage.slack.fail(method, Fault(502, "<html>Bad Gateway</html>", "text/html", after=after))
    if method == "chat.postMessage":
        stage.slack.streams.enabled = False
        await stage.show(answer("It "))
    else:
        stage.slack.fail("chat.appendStream", Fault(503, "busy", "text/plain"))
    for text in ("It is ", "It is forty ", "It is forty-two "):
        try:
            await stage.show(thought("Hm. So "), answer(text))
        except Transient:
            continue
    for _ in range(2):
        try:
            await stage.finish(thought("Hm. So.", closed=True), answer("It is forty-two."))
        except Transient:
            continue
    assert stage.only.visible == "Thought for 4 s\nIt is forty-two."
    assert stage.only.folded == "Hm. So."


async def test_a_rate_limit_at_the_end_shows_the_answer_at_once_and_ends_the_stream_later(
    stage: Stage,
) -> None:
    await stage.show(answer("It "))
    stage.slack.fail("chat.stopStream", Fault.limited(20))
    with pytest.raises(RetryLater) as caught:
        await stage.show(answer("It is 42."), final=True, status="completed")
    assert (caught.value.seconds, caught.value.scope) == (20, "chat")
    assert stage.only.visible == "It is 42."
    assert stage.only.stream is not None
    assert stage.only.stream.open
    stage.clock.now_ms += 20_000
    await stage.finish(answer("It is 42."))
    assert not stage.only.stream.open


async def test_when_no_stream_may_be_started_the_answer_is_posted(stage: Stage) -> None:
    stage.pace.exhausted = {"start"}
    assert await stage.show(thought("Hm. So "), answer("It ")) is False
    assert stage.sent == []
    await stage.finish(thought("Hm. So.", closed=True), answer("It is 42."))
    assert stage.only.visible == "Thought for 4 s\nIt is 42."


async def test_after_a_restart_the_stream_continues_and_nothing_is_doubled(stage: Stage) -> None:
    await stage.show(thought("One. Two "), answer("First, "))
    await stage.platform.close()
    stage.platform = stage.new_platform()
    await stage.show(thought("One. Two three "), answer("First, second, "))
    await stage.finish(thought("One. Two three.", closed=True), answer("First, second, third."))
    assert stage.only.visible == "Thought for 4 s\nFirst, second, third."
    assert stage.only.folded == "One. Two three."


async def test_a_crash_between_a_call_and_its_record_doubles_nothing(stage: Stage) -> None:
    await stage.show(answer("First, "))
    before = stage.kept.value
    await stage.show(answer("First, second, "))
    await stage.platform.close()
    stage.kept.value, stage.platform = before, stage.new_platform()
    await stage.finish(answer("First, second, third."))
    assert stage.only.visible == "First, second, third."


async def test_a_thought_beyond_all_limits_ends_with_a_way_to_read_it(stage: Stage) -> None:
    text = words(5_000)
    await stage.show(thought(text[:9_000]))
    await stage.finish(thought(text, closed=True), answer("Done."))
    assert stage.only.folded.endswith("Send !why to read all of it.")
    assert stage.slack.errors == []
    stage.kept.value, stage.slack.streams.enabled = b"null", False
    await stage.finish(thought(text, closed=True), answer("Done."))
    assert stage.sent[-1].folded.endswith("Send !why to read all of it.")


async def test_text_that_was_taken_back_is_replaced_at_the_end(stage: Stage) -> None:
    await stage.show(answer("Let me think about "))
    await stage.show(thought("Let me think about it. "), answer(""))
    await stage.finish(thought("Let me think about it.", closed=True), answer("It is 42."))
    assert stage.only.visible == "Thought for 4 s\nIt is 42."


async def test_a_message_that_was_deleted_is_sent_again_with_the_answer(stage: Stage) -> None:
    await stage.show(answer("It "))
    stage.slack.workspace.messages.remove(stage.only)
    await stage.show(answer("It is "))
    await stage.show(answer("It is forty "))
    assert stage.sent == []
    await stage.finish(answer("It is forty-two."))
    assert stage.only.visible == "It is forty-two."


async def test_a_stream_that_one_chat_refuses_becomes_a_message_there(stage: Stage) -> None:
    stage.slack.fail("chat.startStream", Fault.error("user_not_in_channel"))
    await stage.show(thought("Hm. So "), answer("It "))
    await stage.finish(thought("Hm. So.", closed=True), answer("It is 42."))
    assert stage.only.visible == "Thought for 4 s\nIt is 42."
    assert stage.methods() == ["chat.postMessage"]


async def test_if_slack_takes_no_folded_block_at_the_end_a_button_shows_the_rest(
    stage: Stage,
) -> None:
    stage.slack.workspace.containers = False
    text = words(900)
    await stage.show(thought(text[:3_000]))
    await stage.finish(thought(text, closed=True), answer("Done."))
    assert stage.only.visible == "Thought for 4 s\nDone.\n[Show the thought]"
    assert stage.only.folded.startswith("word0 word1 ")


async def test_a_stream_that_is_full_earlier_than_expected_is_replaced(stage: Stage) -> None:
    await stage.show(thought("Hm. So "), answer("It "))
    stage.slack.fail("chat.appendStream", Fault.error("msg_too_long"))
    await stage.show(thought("Hm. So "), answer("It is "))
    await stage.show(thought("Hm. So "), answer("It is forty"))
    await stage.finish(thought("Hm. So.", closed=True), answer("It is forty-two."))
    assert stage.only.visible == "Thought for 4 s\nIt is forty-two."
    assert stage.only.folded == "Hm. So."


async def test_a_message_that_can_no_longer_be_edited_is_sent_again(stage: Stage) -> None:
    stage.slack.streams.enabled = False
    await stage.show(answer("It "))
    await stage.show(answer("It "))
    stage.slack.fail("chat.update", Fault.error("edit_window_closed"))
    await stage.finish(answer("It is 42."))
    assert [message.visible.strip() for message in stage.sent] == ["It", "It is 42."]


async def test_blocks_that_slack_refuses_become_plain_text(stage: Stage) -> None:
    stage.slack.fail("chat.postMessage", *[Fault.error("invalid_blocks")] * 2)
    await stage.finish(thought("Hm.", closed=True), answer("It is **42**."))
    assert stage.only.visible == "It is 42."


async def test_a_chat_that_is_gone_is_rejected(stage: Stage) -> None:
    del stage.slack.workspace.members[stage.channel]
    with pytest.raises(Rejected, match="channel_not_found"):
        await stage.show(answer("It is "))


async def test_markup_and_mentions_in_a_thought_are_inert(stage: Stage) -> None:
    hostile = "<!channel> <@U0ADA> @here <https://evil.example|your bank> </think> *bold* "
    await stage.show(thought(hostile * 3), answer(hostile))
    await stage.finish(thought(hostile * 30, closed=True), answer(hostile), tool(title=hostile))
    for sent in stage.slack.sent:
        for trigger in ("<!channel>", "<@U0ADA>", "@here", "|your bank>"):
            assert (
                trigger not in sent.replace("<https://evil.example", "") or trigger == "|your bank>"
            )
        assert "<https://evil" not in sent
