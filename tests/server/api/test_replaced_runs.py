"""Replaced runs: hidden from the conversation, and still available."""

from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import Served, exchange_over, serving
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, say, think

SCRIPT = [think("Let ", "me ", "see."), say("An", "swer", ".")]
KEY = {"Idempotency-Key": "mine"}


async def ask(served: Served) -> tuple[int, dict[str, Any]]:
    return await served.post("/chat/message", {"text": "Hi", "conversation_id": "c"}, headers=KEY)


async def frames_of(served: Served, path: str) -> list[dict[str, Any]]:
    async with served.events("GET", path) as stream:
        return [frame async for frame in stream]


@pytest.mark.promise("P8", "P9")
async def test_a_replaced_run_is_unchanged_for_every_client_and_after_a_restart(
    tmp_path: Path,
) -> None:
    async with SqliteStore.open(tmp_path / "thinkaloud.db") as store:
        async with serving(ScriptedModel(SCRIPT, [say("Better.")]), store=store) as served:
            _, first = await ask(served)
            await exchange_over("rest", served, conversation_id="c", replaces=first["run_id"])
        path = f"/runs/{first['run_id']}"
        async with serving(ScriptedModel(), store=store) as served:
            _, state = await served.get(path)
            whole = await frames_of(served, f"{path}/events?include_reasoning=true")
            inside = await frames_of(served, f"{path}/events?include_reasoning=true&after=4")
            again = await ask(served)
    assert (state["status"], state["response"]) == ("completed", "Answer.")
    assert whole[-1]["event"] == "complete"
    assert whole[-1]["data"]["response"] == "Answer."
    assert inside[0]["event"] == "snapshot"
    asked, thinking = inside[0]["data"]["messages"]
    assert (asked["text"], thinking["status"]) == ("Hi", "running")
    thought = [frame["data"]["token"] for frame in inside if frame["event"] == "reasoning"]
    assert thinking["reasoning"] + "".join(thought) == "Let me see."
    assert inside[-1] == whole[-1]
    assert again == (200, first)
