"""What a person sees when Feishu, the network or the server fails."""

import json
from collections.abc import AsyncGenerator

import pytest

from tests.channels.feishu.fake.server import Fault
from tests.channels.feishu.stage import Stage, answer, staged, thought, words
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress


@pytest.fixture
async def stage() -> AsyncGenerator[Stage]:
    async with staged() as stage:
        yield stage


async def test_a_stream_that_feishu_closed_after_ten_minutes_continues(stage: Stage) -> None:
    await stage.show(thought("One"))
    stage.clock.now_ms += 11 * 60_000
    await stage.show(thought("One two"))
    assert stage.only[0] == "Thinking…\nOne two\n[Stop]"
    assert stage.streaming
    await stage.show(thought("One two three"))
    assert stage.calls()[-1] == "PUT content"


@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_answer_anywhere_leaves_one_complete_message(
    stage: Stage, after: bool
) -> None:
    for text in ("One", "One two", "One two three"):
        for attempt in range(3):
            if attempt == 0:
                stage.server.faults.append(Fault(502, after=after))
            try:
                await stage.show(thought(text))
            except Transient:
                continue
    stage.server.faults.append(Fault(502, after=after))
    with pytest.raises(Transient):
        await stage.show(thought("One two.", closed=True), answer("Yes."), final=True)
    await stage.finish(thought("One two.", closed=True), answer("Yes."))
    assert stage.only == ("Thought for 4 s\nYes.", "One two.")


async def test_a_message_whose_answer_was_lost_is_not_sent_twice(stage: Stage) -> None:
    lost = Fault(502, after=True)
    stage.server.faults.extend([Fault(0), lost])
    with pytest.raises(Transient):
        await stage.show(answer("It"))
    await stage.finish(answer("It is."))
    assert stage.only == ("It is.", "")
    assert stage.calls().count("POST messages") == 2


@pytest.mark.parametrize("calls", [1, 2, 3])
async def test_a_rate_limit_is_obeyed_and_then_the_answer_is_shown(
    stage: Stage, calls: int
) -> None:
    await stage.show(thought("Hm"))
    stage.server.fail_next(calls, 429, 7.0)
    for _ in range(calls):
        with pytest.raises(RetryLater) as caught:
            await stage.show(thought("Hm", closed=True), answer("42"), final=True)
        assert caught.value.seconds == 7.0
    await stage.finish(thought("Hm", closed=True), answer("42"))
    assert stage.only == ("Thought for 4 s\n42", "Hm")


async def test_after_a_rate_limit_the_text_continues_to_stream(stage: Stage) -> None:
    await stage.show(thought("One"))
    stage.server.fail_next(1, 429, 1.0)
    with pytest.raises(RetryLater):
        await stage.show(thought("One two"))
    await stage.show(thought("One two three"))
    assert stage.calls()[-1] == "PUT content"


async def test_too_many_messages_to_one_person_only_stop_this_chat(stage: Stage) -> None:
    for number in range(5):
        stage.server.chats.create("open_id", {
            "receive_id": "ou_ada", "msg_type": "interactive", "uuid": str(number),
            "content": json.dumps({"schema": "2.0", "body": {"elements": []}}),
        })  # fmt: skip
    with pytest.raises(RetryLater) as caught:
        await stage.platform.show(stage.chat, stage.content(answer("It")), stage.kept)
    assert caught.value.scope == "chat"


async def test_after_a_restart_the_card_continues_and_nothing_is_doubled(stage: Stage) -> None:
    await stage.show(thought("One"))
    await stage.show(thought("One two"))
    await stage.platform.close()
    stage.platform = stage.new_platform()
    await stage.show(thought("One two three"))
    assert stage.only[0] == "Thinking…\nOne two three\n[Stop]"
    await stage.finish(thought("One two three", closed=True), answer("Yes."))
    assert stage.only == ("Thought for 4 s\nYes.", "One two three")
    assert stage.server.refused == []


async def test_a_clock_that_was_set_back_does_not_lose_the_answer(stage: Stage) -> None:
    await stage.show(thought("One"))
    stage.clock.now_ms += 3_600_000
    await stage.show(thought("One two"))
    stage.clock.now_ms -= 3_600_000
    await stage.platform.close()
    stage.platform = stage.new_platform()
    await stage.finish(thought("One two", closed=True), answer("Yes."))
    assert stage.only == ("Thought for 4 s\nYes.", "One two")


async def test_a_restart_while_a_long_answer_is_sent_does_not_repeat_parts(stage: Stage) -> None:
    text = "\n\n".join(words(90) for _ in range(150))
    assert not await stage.show(answer(text), final=True)
    assert not await stage.show(answer(text), final=True)
    await stage.platform.close()
    stage.platform = stage.new_platform()
    await stage.finish(answer(text))
    shown = " ".join(stage.seen(message)[0] for message in stage.sent)
    assert shown.split() == text.split()


async def test_a_revoked_token_is_renewed(stage: Stage) -> None:
    await stage.show(thought("One"))
    stage.server.revoke()
    await stage.show(thought("One two"))
    assert "One two" in stage.only[0]


async def test_a_token_is_asked_for_once_in_an_hour(stage: Stage) -> None:
    for _ in range(50):
        await stage.show(thought(f"{_}"))
    stage.clock.now_ms += 3_600_000
    await stage.show(thought("later"))
    assert stage.server.counts["POST /open-apis/auth/v3/tenant_access_token/internal"] == 1


async def test_a_chat_that_the_bot_has_left_is_rejected(stage: Stage) -> None:
    stage.chat = ChatAddress("feishu", "oc_other")
    with pytest.raises(Rejected, match="230002"):
        await stage.show(answer("It"))


async def test_without_the_scope_for_cards_the_error_names_it_and_plain_words_still_arrive(
    stage: Stage,
) -> None:
    stage.server.scopes.discard("cardkit:card:write")
    with pytest.raises(Rejected, match="cardkit:card:write"):
        await stage.show(answer("It"))
    await stage.platform.say(stage.chat, "It is 42.", origin=stage.origin)
    assert stage.only == ("It is 42.", "")
