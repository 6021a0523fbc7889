"""The complete text of a long answer, as a file in Telegram."""

import pytest

from tests.channels.telegram.fake.server import Fault
from tests.channels.telegram.harness import ASKED, DIRECT, Harness, open_harness
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress

ALL = "# All of it\n思\n".encode()


async def send(harness: Harness, chat: ChatAddress = DIRECT) -> None:
    document = Document("answer.md", "text/markdown", ALL, "The complete answer", "run-1/answer")
    await harness.platform.send_document(chat, ASKED, document)


async def test_a_document_arrives_silently_with_its_caption_in_the_topic_of_the_answer() -> None:
    async with open_harness() as harness:
        await send(harness, ChatAddress("telegram", "-100", "7"))
        (message,) = harness.server.seen(-100)
        assert message.files == {"answer.md": ALL}
        assert (message.visible, message.silent) == ("The complete answer", True)
        assert message.thread_id == 7


@pytest.mark.parametrize(
    ("status", "retry_after", "error"),
    [(413, None, Rejected), (429, 3, RetryLater), (502, None, Transient)],
)
async def test_a_document_that_is_refused_limited_or_lost_is_reported_as_such(
    status: int, retry_after: int | None, error: type[Exception]
) -> None:
    async with open_harness() as harness:
        fault = Fault(status, "sendDocument", retry_after, description="Too Large")
        harness.server.faults.append(fault)
        with pytest.raises(error):
            await send(harness)
        assert harness.server.seen(1) == []
