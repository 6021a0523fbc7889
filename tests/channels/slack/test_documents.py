"""The complete text of a long answer, as a file in Slack."""

import pytest

from tests.channels.slack.fake.server import Fault
from tests.channels.slack.harness import Harness, open_harness
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient

ALL = "# All of it\n思\n".encode()


async def send(harness: Harness) -> None:
    document = Document("answer.md", "text/markdown", ALL, "The complete answer", "run-1/answer")
    await harness.platform.send_document(harness.chat, harness.origin, document)


async def test_a_document_arrives_in_the_thread_of_the_answer() -> None:
    async with open_harness() as harness:
        await send(harness)
        [(message, name, content)] = harness.slack.uploads.shared
        assert (name, content) == ("answer.md", ALL)
        assert message.thread_ts == harness.asked.ts
        assert message.text == "The complete answer"


async def test_an_app_without_the_scope_for_files_is_refused_for_good() -> None:
    async with open_harness() as harness:
        harness.slack.workspace.scopes = "chat:write"
        with pytest.raises(Rejected, match="files:write"):
            await send(harness)


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault.limited(3), RetryLater), (Fault(503, "down", "text/plain"), Transient)],
)
async def test_a_document_that_is_limited_or_lost_is_sent_again(
    fault: Fault, error: type[Exception]
) -> None:
    async with open_harness() as harness:
        harness.slack.fail("files.completeUploadExternal", fault)
        with pytest.raises(error):
            await send(harness)
        assert harness.slack.uploads.shared == []
        harness.clock.now_ms += 5_000
        await send(harness)
        assert len(harness.slack.uploads.shared) == 1
