"""The complete text of a long answer, as a file in Discord."""

import pytest

from tests.channels.discord.fake.server import Fault
from tests.channels.discord.fake.uploads import FILE_BYTES
from tests.channels.discord.staging import Stage, staged
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient


def document(data: bytes = b"# All of it\n") -> Document:
    return Document("answer.md", "text/markdown", data, "The complete answer", "run-1/answer")


async def send(stage: Stage, data: bytes = b"# All of it\n") -> None:
    await stage.platform.send_document(stage.chat, stage.origin, document(data))


async def test_a_document_arrives_silently_with_its_caption() -> None:
    async with staged() as stage:
        await send(stage)
        (message,) = stage.seen
        assert message.uploads == {"answer.md": b"# All of it\n"}
        assert message.visible == "The complete answer"
        assert not message.notifies
        assert stage.pace.spent == [("global", True)]


async def test_a_document_whose_response_was_lost_is_not_doubled() -> None:
    async with staged() as stage:
        stage.server.faults.append(Fault(after=True))
        with pytest.raises(Transient):
            await send(stage)
        await send(stage)
        assert len(stage.seen) == 1


async def test_a_document_over_the_limit_of_discord_is_refused_for_good() -> None:
    async with staged() as stage:
        with pytest.raises(Rejected, match="413"):
            await send(stage, b"x" * (FILE_BYTES + 1))
        assert stage.seen == []


async def test_a_document_waits_for_the_limit_of_its_chat() -> None:
    async with staged() as stage:
        for number in range(5):
            await stage.platform.say(stage.chat, f"reply {number}")
        with pytest.raises(RetryLater):
            await send(stage)
        assert stage.server.rates.violations == []
