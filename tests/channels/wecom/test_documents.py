"""The complete text of a long answer, as a file in WeCom."""

import pytest
from tests.channels.wecom.staging import ADA, Stage, staged

from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress

ALL = "# All of it\n思\n".encode() * 60_000


async def send(stage: Stage, data: bytes = ALL, chat: ChatAddress = ADA) -> None:
    document = Document("answer.md", "text/markdown", data, "The complete answer", "run-1/answer")
    await stage.platform.send_document(chat, stage.origin, document)


async def test_a_document_arrives_whole_although_it_is_uploaded_in_pieces() -> None:
    async with staged() as stage:
        await stage.asked()
        await send(stage)
        (message,) = stage.sent
        assert message.file == ("answer.md", ALL)
        assert message.chat == "ada"
        pieces = [call for call in stage.server.traffic if "upload_media_chunk" in call]
        assert len(pieces) == 2


@pytest.mark.parametrize(("status", "error"), [(429, RetryLater), (502, Transient)])
async def test_a_document_that_is_limited_or_lost_is_reported_as_such(
    status: int, error: type[Exception]
) -> None:
    async with staged() as stage:
        await stage.asked()
        stage.server.fail_next(1, status)
        with pytest.raises(error):
            await send(stage)
        assert stage.sent == []


@pytest.mark.parametrize(("data", "chat"), [(bytes(21_000_000), "ada"), (ALL, "nobody")])
async def test_a_document_that_wecom_will_never_accept_is_rejected(data: bytes, chat: str) -> None:
    async with staged() as stage:
        await stage.asked()
        with pytest.raises(Rejected):
            await send(stage, data, ChatAddress("wecom", chat))
        assert stage.sent == []
