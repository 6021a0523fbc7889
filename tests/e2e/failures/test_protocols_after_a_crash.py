"""Clients of other protocols find what they rely on after a crash of a real server."""

import asyncio
from pathlib import Path
from typing import Any

from tests.e2e.server_process import ServerProcess, ask_database, server
from tests.e2e.upstream import DEADLINE, PacedReply, upstream


async def ask(served: ServerProcess, **body: Any) -> Any:
    url = served.api.replace("/api/v1", "/v1/responses")
    async with served.session.post(url, json={"reasoning": {"summary": "auto"}, **body}) as got:
        assert got.status == 200, await got.text()
        return await got.json()


async def retrieve(served: ServerProcess, response_id: str) -> Any:
    url = served.api.replace("/api/v1", f"/v1/responses/{response_id}")
    async with served.session.get(url) as got:
        assert got.status == 200, await got.text()
        return await got.json()


async def test_responses_are_there_after_a_crash_and_the_interrupted_one_has_failed(
    tmp_path: Path,
) -> None:
    async with upstream() as provider:
        provider.offer("One", PacedReply(4))
        provider.offer("Two", PacedReply(40, held_at=4))
        async with server(tmp_path, provider.configuration()) as served:
            done = await ask(served, input="One")
            open_ = await ask(served, input="Two", background=True)
            run_id = f"run_{open_['id'][5:]}"
            query = f"SELECT 1 FROM events WHERE run_id = '{run_id}' LIMIT 1 OFFSET 1"
            async with asyncio.timeout(DEADLINE):
                while not await asyncio.to_thread(ask_database, tmp_path, query):
                    pass
            await served.kill()
        files = (tmp_path / "data").glob("protocols.db*")
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        async with server(tmp_path, provider.configuration()) as served:
            assert await retrieve(served, done["id"]) == done
            interrupted = await retrieve(served, open_["id"])
    assert done["status"] == "completed"
    assert interrupted["status"] == "failed"
    assert interrupted["output"][0]["type"] == "reasoning"
