"""The complete text of a long answer, as a file in Feishu."""

import pytest

from tests.channels.feishu.fake.chats import Message
from tests.channels.feishu.fake.server import Fault
from tests.channels.feishu.stage import ADA, Stage, staged
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Rejected, Transient
from thinkaloud.channels.platform.message import Origin, Sender

ALL = "# All of it\n思\n".encode()


async def send(stage: Stage) -> None:
    origin = Origin(Sender("ou_ada", "Ada"), "om_1")
    document = Document("answer.md", "text/markdown", ALL, "The complete answer", "run-1/answer")
    await stage.platform.send_document(ADA, origin, document)


def files(stage: Stage) -> list[Message]:
    chat_id = stage.server.chats.open_direct("ou_ada")
    return [each for each in stage.server.chats.by_bot(chat_id) if each.kind == "file"]


async def test_a_document_arrives_as_a_file() -> None:
    async with staged() as stage:
        stage.server.chats.open_direct("ou_ada")
        await send(stage)
        (message,) = files(stage)
        assert stage.server.chats.uploads[message.content["file_key"]] == ("answer.md", ALL)


async def test_a_document_whose_response_was_lost_is_not_doubled() -> None:
    async with staged() as stage:
        stage.server.chats.open_direct("ou_ada")
        stage.server.faults.append(Fault(502, after=True))
        with pytest.raises(Transient):
            await send(stage)
        await send(stage)
        assert len(files(stage)) == 1


async def test_an_app_without_the_scope_for_files_is_refused_for_good() -> None:
    async with staged() as stage:
        stage.server.scopes.discard("im:resource")
        with pytest.raises(Rejected, match="im:resource"):
            await send(stage)


async def test_a_revoked_token_is_replaced_before_a_document_is_sent() -> None:
    async with staged() as stage:
        stage.server.chats.open_direct("ou_ada")
        await send(stage)
        stage.server.revoke()
        await send(stage)
        assert len(stage.server.chats.uploads) == 2
