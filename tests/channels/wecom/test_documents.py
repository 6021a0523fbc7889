"""The complete text of a long answer, as a file in WeCom."""

import pytest

from tests.channels.wecom.harness import ADA, Harness, open_harness
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress

ALL = "# All of it\n思\n".encode() * 60_000


async def send(harness: Harness, data: bytes = ALL, chat: ChatAddress = ADA) -> None:
    document = Document("answer.md", "text/markdown", data, "The complete answer", "run-1/answer")
    await harness.platform.send_document(chat, harness.origin, document)


async def test_a_document_arrives_whole_although_it_is_uploaded_in_pieces() -> None:
    async with open_harness() as harness:
        await harness.asked()
        await send(harness)
        (message,) = harness.sent
        assert message.file == ("answer.md", ALL)
        assert message.chat == "ada"
        pieces = [call for call in harness.server.traffic if "upload_media_chunk" in call]
        assert len(pieces) == 2


@pytest.mark.parametrize(("status", "error"), [(429, RetryLater), (502, Transient)])
async def test_a_document_that_is_limited_or_lost_is_reported_as_such(
    status: int, error: type[Exception]
) -> None:
    async with open_harness() as harness:
        await harness.asked()
        harness.server.fail_next(1, status)
        with pytest.raises(error):
            await send(harness)
        assert harness.sent == []


@pytest.mark.parametrize(("data", "chat"), [(bytes(21_000_000), "ada"), (ALL, "nobody")])
async def test_a_document_that_wecom_will_never_accept_is_rejected(data: bytes, chat: str) -> None:
    async with open_harness() as harness:
        await harness.asked()
        with pytest.raises(Rejected):
            await send(harness, data, ChatAddress("wecom", chat))
        assert harness.sent == []
