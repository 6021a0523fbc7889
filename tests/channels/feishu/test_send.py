"""Where messages go: groups, threads, private replies, and the typing indicator."""

from collections.abc import AsyncGenerator

import msgspec
import pytest

from tests.channels.feishu.fake.chats import Message
from tests.channels.feishu.fake.server import Fault
from tests.channels.feishu.stage import ADA, GROUP, Stage, answer, staged, words
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Rejected, Transient
from thinkaloud.channels.platform.message import ChatAddress, Origin, Sender


@pytest.fixture
async def stage() -> AsyncGenerator[Stage]:
    async with staged() as stage:
        yield stage


async def test_in_a_group_the_card_replies_to_the_question(stage: Stage) -> None:
    asks_in_group(stage)
    await stage.finish(answer("Here."))
    [message] = stage.sent
    assert message.reply_to == stage.origin.message_id
    assert message.thread_id is None


async def test_in_a_thread_the_card_stays_in_the_thread(stage: Stage) -> None:
    asks_in_group(stage)
    stage.chat = ChatAddress("feishu", "oc_group", "omt_1")
    stage.server.chats.messages[stage.origin.message_id].thread_id = "omt_1"
    await stage.finish(answer("Here."))
    assert [message.thread_id for message in stage.sent] == ["omt_1"]


async def test_an_answer_to_a_deleted_question_is_sent_without_a_reply(stage: Stage) -> None:
    asks_in_group(stage)
    stage.server.chats.messages[stage.origin.message_id].deleted = True
    await stage.finish(answer("Here."))
    assert [message.reply_to for message in stage.sent] == [None]


async def test_a_private_reply_in_a_group_is_seen_by_one_person_and_rings_for_nobody(
    stage: Stage,
) -> None:
    origin = Origin(Sender("ou_ada"), "om_card", is_group=True)
    assert await stage.platform.say(GROUP, "**Secret**", origin=origin, private=True)
    [message] = stage.server.chats.by_bot("oc_group")
    assert (message.reader, message.notifies) == ("ou_ada", False)
    assert stage.seen(message)[0] == "Secret"
    assert not await stage.platform.say(GROUP, "Secret", private=True)


async def test_where_private_replies_are_impossible_nothing_is_sent(stage: Stage) -> None:
    origin = Origin(Sender("ou_ada"), "om_card", is_group=True)
    topics = ChatAddress("feishu", "oc_topics")
    assert not await stage.platform.say(topics, "Secret", origin=origin, private=True)
    assert stage.server.chats.by_bot("oc_topics") == []


async def test_a_long_reply_is_split_and_parts_are_not_doubled_by_a_failure(stage: Stage) -> None:
    text = "\n\n".join(words(90) for _ in range(80))
    lost, limited = Fault(502, after=True), Fault(429, 2.0)
    stage.server.faults.extend([lost, Fault(0), limited, Fault(0), lost])
    await stage.platform.say(stage.chat, text, origin=stage.origin)
    shown = " ".join(stage.seen(message)[0] for message in stage.sent)
    assert shown.split() == text.split()
    assert len(stage.sent) == 3


async def test_a_reaction_goes_away_even_if_feishu_fails_at_first(stage: Stage) -> None:
    asks_in_group(stage)
    await stage.platform.typing(stage.chat, stage.origin, on=True)
    stage.server.reaction_faults.extend([Fault(502), Fault(429, 3.0)])
    await stage.platform.typing(stage.chat, stage.origin, on=False)
    assert stage.server.chats.messages["om_question"].reactions == {}


async def test_a_reaction_goes_away_after_a_restart(stage: Stage) -> None:
    asks_in_group(stage)
    await stage.platform.typing(stage.chat, stage.origin, on=True)
    await stage.platform.close()
    stage.platform = stage.new_platform()
    await stage.platform.typing(stage.chat, stage.origin, on=False)
    assert stage.server.chats.messages["om_question"].reactions == {}


async def test_typing_is_a_reaction_that_goes_away(stage: Stage) -> None:
    asks_in_group(stage)
    question = stage.server.chats.messages[stage.origin.message_id]
    await stage.platform.typing(stage.chat, stage.origin, on=True)
    assert list(question.reactions.values()) == ["Typing"]
    await stage.platform.typing(stage.chat, stage.origin, on=False)
    assert question.reactions == {}
    menu = msgspec.structs.replace(stage.origin, message_id="event-7")
    await stage.platform.typing(stage.chat, menu, on=True)


def asks_in_group(stage: Stage) -> None:
    """Let the run answer a question in the group."""
    stage.chat = GROUP
    question = Message("om_question", "oc_group", {"type": "user", "id": "ou_ada"}, "text", {})
    stage.server.chats.add(question)
    stage.origin = Origin(Sender("ou_ada"), "om_question", is_group=True)


ALL = "# All of it\n思\n".encode()


async def send_document(stage: Stage) -> None:
    origin = Origin(Sender("ou_ada", "Ada"), "om_1")
    document = Document("answer.md", "text/markdown", ALL, "The complete answer", "run-1/answer")
    await stage.platform.send_document(ADA, origin, document)


def files(stage: Stage) -> list[Message]:
    chat_id = stage.server.chats.open_direct("ou_ada")
    return [each for each in stage.server.chats.by_bot(chat_id) if each.kind == "file"]


async def test_a_document_arrives_as_a_file() -> None:
    async with staged() as stage:
        stage.server.chats.open_direct("ou_ada")
        await send_document(stage)
        (message,) = files(stage)
        assert stage.server.chats.uploads[message.content["file_key"]] == ("answer.md", ALL)


async def test_a_document_whose_response_was_lost_is_not_doubled() -> None:
    async with staged() as stage:
        stage.server.chats.open_direct("ou_ada")
        stage.server.faults.append(Fault(502, after=True))
        with pytest.raises(Transient):
            await send_document(stage)
        await send_document(stage)
        assert len(files(stage)) == 1


async def test_an_app_without_the_scope_for_files_is_refused_for_good() -> None:
    async with staged() as stage:
        stage.server.scopes.discard("im:resource")
        with pytest.raises(Rejected, match="im:resource"):
            await send_document(stage)


async def test_a_revoked_token_is_replaced_before_a_document_is_sent() -> None:
    async with staged() as stage:
        stage.server.chats.open_direct("ou_ada")
        await send_document(stage)
        stage.server.revoke()
        await send_document(stage)
        assert len(stage.server.chats.uploads) == 2
