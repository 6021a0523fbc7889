"""Stopping the server while runs are active: they may finish, followers are notified, and no run starts."""

import asyncio
import signal

import pytest

from tests.server.serving import Served, serving
from thinkaloud.server.app import create_app
from thinkaloud.server.connections.uvicorn_server import serve
from thinkaloud.testing import ScriptedModel, Silence, Wait, say, think


async def until_draining(served: Served) -> None:
    while (await served.get("/health"))[0] == 200:
        pass


@pytest.mark.promise("P3")
async def test_active_runs_may_finish_and_no_new_run_starts() -> None:
    go = asyncio.Event()
    model = ScriptedModel([think("T"), say("Half"), Wait(go), say(" and half.")])
    body = {"text": "Hi"}
    async with (
        serving(model, drain=30.0) as served,
        served.events("POST", "/chat/stream-sse", json=body) as stream,
    ):
        while (await anext(stream))["event"] != "token":
            pass
        served.server.stop()
        await until_draining(served)
        async with served.session.get(f"{served.url}/readyz") as response:
            ready = response.status, (await response.json())["checks"]["runs"]["status"]
        async with served.session.get(f"{served.url}/healthz") as response:
            alive = response.status
        async with served.session.post(
            f"{served.api}/chat/message", json={"text": "Another"}
        ) as response:
            refused = response.status, (await response.json())["code"]
            retry_after = int(response.headers["Retry-After"])
        go.set()
        frames = [frame async for frame in stream]
    assert ready == (503, "unhealthy")
    assert alive == 200
    assert refused == (503, "shutting_down")
    assert retry_after > 0
    assert frames[-1]["event"] == "complete"
    assert frames[-1]["data"]["response"] == "Half and half."


@pytest.mark.promise("P3")
async def test_a_run_that_exceeds_the_drain_timeout_is_ended_and_its_readers_get_the_end() -> None:
    body = {"text": "Hi"}
    async with (
        serving(ScriptedModel([say("Half"), Silence()]), drain=0.2) as served,
        served.events("POST", "/chat/stream-sse", json=body) as stream,
    ):
        while (await anext(stream))["event"] != "token":
            pass
        served.server.stop()
        frames = [frame async for frame in stream]
    assert (frames[-1]["event"], frames[-1]["data"]["code"]) == ("error", "interrupted")


async def test_a_second_signal_ends_the_wait_at_once() -> None:
    reached: asyncio.Queue[str] = asyncio.Queue()
    async with serving(ScriptedModel([say("Half"), Silence()]), drain=3600.0) as served:
        app = create_app(served.services)
        async with asyncio.TaskGroup() as tasks:
            stopping = serve(app, served.services.settings, ready=reached.put_nowait)
            task = tasks.create_task(stopping)
            url = await reached.get()
            asking = tasks.create_task(
                served.session.post(f"{url}/api/v1/chat/message", json={"text": "Hi"})
            )
            while (await served.get("/system-status"))[1]["active_runs"] == 0:
                pass
            signal.raise_signal(signal.SIGTERM)
            await until_draining(served)
            signal.raise_signal(signal.SIGTERM)
            await task
            async with await asking as response:
                assert response.status == 503
                assert (await response.json())["code"] == "interrupted"
