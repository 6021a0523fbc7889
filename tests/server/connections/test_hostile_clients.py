"""Whatever comes over a wire, the server responds or closes, and keeps serving everyone else (`make soak` runs it for longer)."""

import logging

import pytest

from tests.channels.sockets import client, hosting
from tests.server.hostile import send_hostile_traffic
from thinkaloud.testing import ScriptedModel, say

QUICK = {"header_timeout_seconds": 0.3, "body_timeout_seconds": 0.3}


@pytest.mark.parametrize("seed", range(4))
async def test_hostile_heads_and_frames_are_answered_and_affect_no_other_client(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    model = ScriptedModel(*[[say("Yes.")]] * 5_000)
    async with hosting(model, **QUICK) as served, client(served) as one:
        served.server.config.timeout_keep_alive = 1
        before = len(served.server.server_state.connections)
        await send_hostile_traffic(int(served.url.rpartition(":")[2]), seed, 100)
        await one.send({"type": "ping"})
        await one.until("pong")
        async with served.session.get(f"{served.url}/healthz") as response:
            assert response.status == 200
            await response.read()
        assert len(served.server.server_state.connections) <= before + 1
    said = [each for each in caplog.records if each.name != "asyncio"]
    assert [each for each in said if each.levelno >= logging.ERROR or each.exc_info] == []
    assert len(said) < 20
