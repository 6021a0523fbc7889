"""A response that begins with the run's first output has the events before it, too."""

import asyncio

import pytest

from tests.server.serving import serving
from thinkaloud.providers.scripted import Wait
from thinkaloud.testing import ScriptedModel, say

BODY = {"model": "scripted/model", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat"])
async def test_a_slow_model_loses_no_start_of_a_line(path: str) -> None:
    more = asyncio.Event()
    model = ScriptedModel([Wait(more), say("Yes.")])
    async with serving(model) as served:

        async def ask() -> str:
            sent = {**BODY, "stream": True}
            async with served.session.post(f"{served.url}{path}", json=sent) as response:
                return await response.text()

        asking = asyncio.create_task(ask())
        while not model.open_streams:
            await asyncio.sleep(0)
        # The response waits for output now, and has read the start of the run.
        for _ in range(100):
            await asyncio.sleep(0)
        more.set()
        text = await asking
    lines = [line for line in text.splitlines() if line]
    assert len(lines) > 1
    assert all(line.startswith(("{", "data: {", "data: [DONE]")) for line in lines)
