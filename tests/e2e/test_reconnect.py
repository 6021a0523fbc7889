"""A connection that drops two hundred times during one run loses no byte."""

import random
from pathlib import Path

import pytest

from tests.e2e.reading import Reader
from tests.e2e.server_process import server
from tests.e2e.upstream import PacedReply, upstream

RECONNECTS = 200
A_CONNECTION = 40
TOKENS = RECONNECTS * A_CONNECTION


@pytest.mark.promise("P4", "P6", "P9")
@pytest.mark.parametrize("transport", ["sse", "socket"])
async def test_two_hundred_reconnects_in_one_run_deliver_every_byte_once_and_in_order(
    transport: str, tmp_path: Path
) -> None:
    dice = random.Random(7)
    async with upstream() as provider, server(tmp_path, provider.configuration()) as served:
        reply = provider.offer("Tell", PacedReply(TOKENS, held_at=A_CONNECTION))
        reader = Reader(transport)
        await reader.begin(served, "Tell", lambda: bool(reader.characters))
        for number in range(1, RECONNECTS + 1):
            # The last of them still has something to come back for: the run is not over.
            reply.let(min(number * A_CONNECTION + dice.randint(1, A_CONNECTION), TOKENS - 1))
            before = reader.characters
            await reader.resume(served, lambda before=before: reader.characters > before)
            assert reader.end is None
        reply.release_all()
        await reader.resume(served)
        assert reader.end is not None
        assert reader.end["event"] == "complete"
        assert (reader.reasoning, reader.answer) == (reply.reasoning, reply.answer)
        assert reader.end["data"]["response"] == reply.answer
        assert reader.end["data"]["reasoning"] == reply.reasoning
        assert reader.snapshots == []
        assert reply.asked == 1
