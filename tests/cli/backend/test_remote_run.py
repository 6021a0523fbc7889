"""The terminal follows a server's log and shows exactly what the server has."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from tests.docs.examples import InstantClock
from tests.server.serving import Served, serving
from thinkaloud.app.server_address import ServerAddress
from thinkaloud.cli.backend.api import Api
from thinkaloud.cli.backend.log_lines import missing_text, read_line
from thinkaloud.cli.backend.remote_run import RemoteRequest, RemoteRun
from thinkaloud.config import load
from thinkaloud.errors import ConfigurationError, NotFound
from thinkaloud.events import codec
from thinkaloud.events.event import AnswerDelta, LoggedEvent, ReasoningDelta, RunEnded
from thinkaloud.events.fold import Fold
from thinkaloud.events.view import RunView
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.server.wires.log.lines import LogError, LogFailure, LogSnapshot
from thinkaloud.testing import ScriptedModel, call_tool, say, think

SCRIPT = [think("Hm.", " So"), say("First"), call_tool("no_such_tool", {}, "c1")]
ANSWER = [think("Well."), say("Tea", " it is.")]


def remote(served: Served, folder: Path, *, reasoning: bool = True) -> RemoteRun:
    settings = load(None, environment={"THINKALOUD_DATA_DIR": str(folder)})
    asked = RemoteRequest(RunRequest("Why?", "c"), include_reasoning=reasoning)
    return RemoteRun(
        Api(served.session, ServerAddress(served.url)), settings, asked, InstantClock()
    )


async def read(run: RemoteRun) -> list[LoggedEvent]:
    found: list[LoggedEvent] = []
    while batch := await run.batch():
        found.extend(batch)
    return found


def view(events: Sequence[LoggedEvent]) -> RunView:
    fold = Fold("c")
    for each in events:
        fold.apply(each)
    return fold.view().runs[0]


@pytest.mark.promise("P4", "P8")
async def test_the_terminal_folds_to_what_the_server_has(tmp_path: Path) -> None:
    async with serving(ScriptedModel(SCRIPT, ANSWER)) as served:
        async with remote(served, tmp_path) as run:
            found = await read(run)
        assert view(found) == (await served.runs.hub.fold("local", "c")).view().runs[0]
    assert [each.seq for each in found] == sorted({each.seq for each in found})
    assert run.over


@pytest.mark.promise("P7")
async def test_a_terminal_that_hides_reasoning_gets_none(tmp_path: Path) -> None:
    async with (
        serving(ScriptedModel(SCRIPT, ANSWER)) as served,
        remote(served, tmp_path, reasoning=False) as run,
    ):
        found = await read(run)
    assert view(found).response == "First\n\nTea it is."
    assert view(found).reasoning == ""


@asynccontextmanager
async def fake_server(stopped: list[str], log: str | None) -> AsyncGenerator[str]:
    """A server with this log of its one run, or an old one that has no logs."""

    async def start(_: web.Request) -> web.Response:
        return web.Response(headers={"X-Run-ID": "run_1", "Content-Type": "text/event-stream"})

    async def stop(request: web.Request) -> web.Response:
        stopped.append(request.match_info["run"])
        return web.json_response({})

    async def get_log(_: web.Request) -> web.Response:
        return web.Response(text=log, content_type="text/event-stream")

    app = web.Application()
    app.router.add_post("/api/v1/chat/stream-sse", start)
    app.router.add_post("/api/v1/runs/{run}/stop", stop)
    if log is not None:
        app.router.add_get("/api/v1/runs/run_1/log", get_log)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def run_of(url: str, folder: Path) -> AsyncGenerator[RemoteRun]:
    settings = load(None, environment={"THINKALOUD_DATA_DIR": str(folder)})
    asked = RemoteRequest(RunRequest("Why?", "c"), include_reasoning=True)
    async with (
        aiohttp.ClientSession() as session,
        RemoteRun(Api(session, ServerAddress(url)), settings, asked, InstantClock()) as run,
    ):
        yield run


async def test_a_conversation_that_is_deleted_is_an_error_and_not_an_end(tmp_path: Path) -> None:
    failure = LogFailure("c", LogError("not_found", "The conversation was deleted."), "run_1")
    log = f"data: {msgspec.json.encode(failure).decode()}\n\n"
    async with fake_server([], log) as url, run_of(url, tmp_path) as run:
        with pytest.raises(NotFound, match="was deleted"):
            await run.batch()
        assert run.over


async def test_an_older_server_is_recognized_and_its_run_is_stopped(tmp_path: Path) -> None:
    stopped: list[str] = []
    async with fake_server(stopped, None) as url:
        with pytest.raises(ConfigurationError, match="is an older version"):
            async with run_of(url, tmp_path):
                pass
    assert stopped == ["run_1"]


def test_an_event_that_only_a_newer_server_knows_is_skipped() -> None:
    line = b'{"seq":1,"at_ms":2,"conversation_id":"c","run_id":"r","event":{"type":"%s"}}'
    assert read_line(line % b"tea.poured") is None
    with pytest.raises(msgspec.ValidationError):
        read_line(line % b"answer.delta")


@pytest.mark.promise("P9")
async def test_a_snapshot_gives_the_text_that_is_missing_and_nothing_twice() -> None:
    async with serving(ScriptedModel(SCRIPT, ANSWER)) as served:
        assert (await served.post("/chat/message", {"text": "Hi", "conversation_id": "c"}))[
            0
        ] == 200
        events = await served.runs.hub.logged("local", "c")
    fold = Fold("c")
    for each in events:
        fold.apply(each)
    snapshot = LogSnapshot(fold.seq, "c", fold.view())
    read_back = read_line(msgspec.json.encode(snapshot))
    assert isinstance(read_back, LogSnapshot)
    assert read_back == snapshot
    run_id = events[0].run_id
    lengths: dict[str, int] = {}
    whole = "Hm. SoFirstWell.\n\nTea it is."
    seen = ""
    for each in events:
        if isinstance(each.event, AnswerDelta | ReasoningDelta):
            lengths[each.event.segment_id] = lengths.get(each.event.segment_id, 0) + len(
                each.event.text
            )
            seen += each.event.text
        rest = [line.event for line in missing_text(snapshot, run_id, lengths)]
        texts = [e.text for e in rest if isinstance(e, AnswerDelta | ReasoningDelta)]
        assert seen + "".join(texts) == whole
    assert isinstance(events[-1].event, RunEnded)
    assert codec.decode(codec.encode(events[-1])) == events[-1]
