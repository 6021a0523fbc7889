"""The complete text of a long answer, as a file in Discord."""

import pytest

from tests.channels.discord.fake.server import Fault
from tests.channels.discord.fake.uploads import FILE_BYTES
from tests.channels.discord.harness import Harness, open_harness
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient


def document(data: bytes = b"# All of it\n") -> Document:
    return Document("answer.md", "text/markdown", data, "The complete answer", "run-1/answer")


async def send(harness: Harness, data: bytes = b"# All of it\n") -> None:
    await harness.platform.send_document(harness.chat, harness.origin, document(data))


async def test_a_document_arrives_silently_with_its_caption() -> None:
    async with open_harness() as harness:
        await send(harness)
        (message,) = harness.seen
        assert message.uploads == {"answer.md": b"# All of it\n"}
        assert message.visible == "The complete answer"
        assert not message.notifies
        assert harness.pace.spent == [("global", True)]


async def test_a_document_whose_response_was_lost_is_not_doubled() -> None:
    async with open_harness() as harness:
        harness.server.faults.append(Fault(after=True))
        with pytest.raises(Transient):
            await send(harness)
        await send(harness)
        assert len(harness.seen) == 1


async def test_a_document_over_the_limit_of_discord_is_refused_for_good() -> None:
    async with open_harness() as harness:
        with pytest.raises(Rejected, match="413"):
            await send(harness, b"x" * (FILE_BYTES + 1))
        assert harness.seen == []


async def test_a_document_waits_for_the_limit_of_its_chat() -> None:
    async with open_harness() as harness:
        for number in range(5):
            await harness.platform.say(harness.chat, f"reply {number}")
        with pytest.raises(RetryLater):
            await send(harness)
        assert harness.server.rates.violations == []
