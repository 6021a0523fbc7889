"""What a person sees when Feishu, the network or the server fails."""

import json
from collections.abc import AsyncGenerator

import pytest

from tests.channels.feishu.fake.server import SECRET, Fault
from tests.channels.feishu.harness import Harness, answer, open_harness, thought, words
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress


@pytest.fixture
async def harness() -> AsyncGenerator[Harness]:
    async with open_harness() as harness:
        yield harness


async def test_a_stream_that_feishu_closed_after_ten_minutes_continues(harness: Harness) -> None:
    await harness.show(thought("One"))
    harness.clock.now_ms += 11 * 60_000
    await harness.show(thought("One two"))
    assert harness.only[0] == "Thinking…\nOne two\n[Stop]"
    assert harness.streaming
    await harness.show(thought("One two three"))
    assert harness.calls()[-1] == "PUT content"


@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_answer_anywhere_leaves_one_complete_message(
    harness: Harness, after: bool
) -> None:
    for text in ("One", "One two", "One two three"):
        for attempt in range(3):
            if attempt == 0:
                harness.server.faults.append(Fault(502, after=after))
            try:
                await harness.show(thought(text))
            except Transient:
                continue
    harness.server.faults.append(Fault(502, after=after))
    with pytest.raises(Transient):
        await harness.show(thought("One two.", closed=True), answer("Yes."), final=True)
    await harness.finish(thought("One two.", closed=True), answer("Yes."))
    assert harness.only == ("Thought for 4 s\nYes.", "One two.")


async def test_a_message_whose_answer_was_lost_is_not_sent_twice(harness: Harness) -> None:
    lost = Fault(502, after=True)
    harness.server.faults.extend([Fault(0), lost])
    with pytest.raises(Transient):
        await harness.show(answer("It"))
    await harness.finish(answer("It is."))
    assert harness.only == ("It is.", "")
    assert harness.calls().count("POST messages") == 2


@pytest.mark.parametrize("calls", [1, 2, 3])
async def test_a_rate_limit_is_obeyed_and_then_the_answer_is_shown(
    harness: Harness, calls: int
) -> None:
    await harness.show(thought("Hm"))
    harness.server.fail_next(calls, 429, 7.0)
    for _ in range(calls):
        with pytest.raises(RetryLater) as caught:
            await harness.show(thought("Hm", closed=True), answer("42"), final=True)
        assert caught.value.seconds == 7.0
    await harness.finish(thought("Hm", closed=True), answer("42"))
    assert harness.only == ("Thought for 4 s\n42", "Hm")


async def test_after_a_rate_limit_the_text_continues_to_stream(harness: Harness) -> None:
    await harness.show(thought("One"))
    harness.server.fail_next(1, 429, 1.0)
    with pytest.raises(RetryLater):
        await harness.show(thought("One two"))
    await harness.show(thought("One two three"))
    assert harness.calls()[-1] == "PUT content"


async def test_too_many_messages_to_one_person_only_stop_this_chat(harness: Harness) -> None:
    for number in range(5):
        harness.server.chats.create("open_id", {
            "receive_id": "ou_ada", "msg_type": "interactive", "uuid": str(number),
            "content": json.dumps({"schema": "2.0", "body": {"elements": []}}),
        })  # fmt: skip
    with pytest.raises(RetryLater) as caught:
        await harness.platform.show(harness.chat, harness.content(answer("It")), harness.kept)
    assert caught.value.scope == "chat"


async def test_after_a_restart_the_card_continues_and_nothing_is_doubled(harness: Harness) -> None:
    await harness.show(thought("One"))
    await harness.show(thought("One two"))
    await harness.platform.close()
    harness.platform = harness.new_platform()
    await harness.show(thought("One two three"))
    assert harness.only[0] == "Thinking…\nOne two three\n[Stop]"
    await harness.finish(thought("One two three", closed=True), answer("Yes."))
    assert harness.only == ("Thought for 4 s\nYes.", "One two three")
    assert harness.server.refused == []


async def test_a_clock_that_was_set_back_does_not_lose_the_answer(harness: Harness) -> None:
    await harness.show(thought("One"))
    harness.clock.now_ms += 3_600_000
    await harness.show(thought("One two"))
    harness.clock.now_ms -= 3_600_000
    await harness.platform.close()
    harness.platform = harness.new_platform()
    await harness.finish(thought("One two", closed=True), answer("Yes."))
    assert harness.only == ("Thought for 4 s\nYes.", "One two")


async def test_a_restart_while_a_long_answer_is_sent_does_not_repeat_parts(
    harness: Harness,
) -> None:
    text = "\n\n".join(words(90) for _ in range(150))
    assert not await harness.show(answer(text), final=True)
    assert not await harness.show(answer(text), final=True)
    await harness.platform.close()
    harness.platform = harness.new_platform()
    await harness.finish(answer(text))
    shown = " ".join(harness.seen(message)[0] for message in harness.sent)
    assert shown.split() == text.split()


async def test_a_revoked_token_is_renewed(harness: Harness) -> None:
    await harness.show(thought("One"))
    harness.server.revoke()
    await harness.show(thought("One two"))
    assert "One two" in harness.only[0]


async def test_an_answer_arrives_once_a_secret_that_was_reset_is_accepted_again(
    harness: Harness,
) -> None:
    harness.server.secret = "reset"
    harness.server.revoke()
    with pytest.raises(Transient, match="10014 app secret invalid"):
        await harness.finish(answer("It is 42."))
    harness.server.secret = SECRET
    await harness.finish(answer("It is 42."))
    assert harness.only[0] == "It is 42."


async def test_a_token_is_asked_for_once_in_an_hour(harness: Harness) -> None:
    for _ in range(50):
        await harness.show(thought(f"{_}"))
    harness.clock.now_ms += 3_600_000
    await harness.show(thought("later"))
    assert harness.server.counts["POST /open-apis/auth/v3/tenant_access_token/internal"] == 1


async def test_a_chat_that_the_bot_has_left_is_rejected(harness: Harness) -> None:
    harness.chat = ChatAddress("feishu", "oc_other")
    with pytest.raises(Rejected, match="230002"):
        await harness.show(answer("It"))


async def test_without_the_scope_for_cards_the_error_names_it_and_plain_words_still_arrive(
    harness: Harness,
) -> None:
    harness.server.scopes.discard("cardkit:card:write")
    with pytest.raises(Rejected, match="cardkit:card:write"):
        await harness.show(answer("It"))
    await harness.platform.say(harness.chat, "It is 42.", origin=harness.origin)
    assert harness.only == ("It is 42.", "")
