"""Where messages go: groups, threads, private replies, and the typing indicator."""

from collections.abc import AsyncGenerator

import msgspec
import pytest

from tests.channels.feishu.fake.chats import Message
from tests.channels.feishu.fake.server import Fault
from tests.channels.feishu.harness import ADA, GROUP, Harness, answer, open_harness, words
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Rejected, Transient
from thinkaloud.channels.platform.message import ChatAddress, Origin, Sender


@pytest.fixture
async def harness() -> AsyncGenerator[Harness]:
    async with open_harness() as harness:
        yield harness


async def test_in_a_group_the_card_replies_to_the_question(harness: Harness) -> None:
    asks_in_group(harness)
    await harness.finish(answer("Here."))
    [message] = harness.sent
    assert message.reply_to == harness.origin.message_id
    assert message.thread_id is None


async def test_in_a_thread_the_card_stays_in_the_thread(harness: Harness) -> None:
    asks_in_group(harness)
    harness.chat = ChatAddress("feishu", "oc_group", "omt_1")
    harness.server.chats.messages[harness.origin.message_id].thread_id = "omt_1"
    await harness.finish(answer("Here."))
    assert [message.thread_id for message in harness.sent] == ["omt_1"]


async def test_an_answer_to_a_deleted_question_is_sent_without_a_reply(harness: Harness) -> None:
    asks_in_group(harness)
    harness.server.chats.messages[harness.origin.message_id].deleted = True
    await harness.finish(answer("Here."))
    assert [message.reply_to for message in harness.sent] == [None]


async def test_a_private_reply_in_a_group_is_seen_by_one_person_and_rings_for_nobody(
    harness: Harness,
) -> None:
    origin = Origin(Sender("ou_ada"), "om_card", is_group=True)
    assert await harness.platform.say(GROUP, "**Secret**", origin=origin, private=True)
    [message] = harness.server.chats.by_bot("oc_group")
    assert (message.reader, message.notifies) == ("ou_ada", False)
    assert harness.seen(message)[0] == "Secret"
    assert not await harness.platform.say(GROUP, "Secret", private=True)


async def test_where_private_replies_are_impossible_nothing_is_sent(harness: Harness) -> None:
    origin = Origin(Sender("ou_ada"), "om_card", is_group=True)
    topics = ChatAddress("feishu", "oc_topics")
    assert not await harness.platform.say(topics, "Secret", origin=origin, private=True)
    assert harness.server.chats.by_bot("oc_topics") == []


async def test_a_long_reply_is_split_and_parts_are_not_doubled_by_a_failure(
    harness: Harness,
) -> None:
    text = "\n\n".join(words(90) for _ in range(80))
    lost, limited = Fault(502, after=True), Fault(429, 2.0)
    harness.server.faults.extend([lost, Fault(0), limited, Fault(0), lost])
    await harness.platform.say(harness.chat, text, origin=harness.origin)
    shown = " ".join(harness.seen(message)[0] for message in harness.sent)
    assert shown.split() == text.split()
    assert len(harness.sent) == 3


async def test_a_reaction_goes_away_even_if_feishu_fails_at_first(harness: Harness) -> None:
    asks_in_group(harness)
    await harness.platform.typing(harness.chat, harness.origin, on=True)
    harness.server.reaction_faults.extend([Fault(502), Fault(429, 3.0)])
    await harness.platform.typing(harness.chat, harness.origin, on=False)
    assert harness.server.chats.messages["om_question"].reactions == {}


async def test_a_reaction_goes_away_after_a_restart(harness: Harness) -> None:
    asks_in_group(harness)
    await harness.platform.typing(harness.chat, harness.origin, on=True)
    await harness.platform.close()
    harness.platform = harness.new_platform()
    await harness.platform.typing(harness.chat, harness.origin, on=False)
    assert harness.server.chats.messages["om_question"].reactions == {}


async def test_typing_is_a_reaction_that_goes_away(harness: Harness) -> None:
    asks_in_group(harness)
    question = harness.server.chats.messages[harness.origin.message_id]
    await harness.platform.typing(harness.chat, harness.origin, on=True)
    assert list(question.reactions.values()) == ["Typing"]
    await harness.platform.typing(harness.chat, harness.origin, on=False)
    assert question.reactions == {}
    menu = msgspec.structs.replace(harness.origin, message_id="event-7")
    await harness.platform.typing(harness.chat, menu, on=True)


def asks_in_group(harness: Harness) -> None:
    """Let the run answer a question in the group."""
    harness.chat = GROUP
    question = Message("om_question", "oc_group", {"type": "user", "id": "ou_ada"}, "text", {})
    harness.server.chats.add(question)
    harness.origin = Origin(Sender("ou_ada"), "om_question", is_group=True)


ALL = "# All of it\n思\n".encode()


async def send_document(harness: Harness) -> None:
    origin = Origin(Sender("ou_ada", "Ada"), "om_1")
    document = Document("answer.md", "text/markdown", ALL, "The complete answer", "run-1/answer")
    await harness.platform.send_document(ADA, origin, document)


def files(harness: Harness) -> list[Message]:
    chat_id = harness.server.chats.open_direct("ou_ada")
    return [each for each in harness.server.chats.by_bot(chat_id) if each.kind == "file"]


async def test_a_document_arrives_as_a_file() -> None:
    async with open_harness() as harness:
        harness.server.chats.open_direct("ou_ada")
        await send_document(harness)
        (message,) = files(harness)
        assert harness.server.chats.uploads[message.content["file_key"]] == ("answer.md", ALL)


async def test_a_document_whose_response_was_lost_is_not_doubled() -> None:
    async with open_harness() as harness:
        harness.server.chats.open_direct("ou_ada")
        harness.server.faults.append(Fault(502, after=True))
        with pytest.raises(Transient):
            await send_document(harness)
        await send_document(harness)
        assert len(files(harness)) == 1


async def test_an_app_without_the_scope_for_files_is_refused_for_good() -> None:
    async with open_harness() as harness:
        harness.server.scopes.discard("im:resource")
        with pytest.raises(Rejected, match="im:resource"):
            await send_document(harness)


async def test_a_revoked_token_is_replaced_before_a_document_is_sent() -> None:
    async with open_harness() as harness:
        harness.server.chats.open_direct("ou_ada")
        await send_document(harness)
        harness.server.revoke()
        await send_document(harness)
        assert len(harness.server.chats.uploads) == 2
