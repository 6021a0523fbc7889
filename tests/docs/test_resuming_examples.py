"""The clients on the page about resuming print the complete answer, even if the server restarts."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from tests.docs.examples import EXAMPLES, node, output, python, server
from tests.docs.relay import Relay, relaying
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, Wait, say, think

THOUGHT = "Twelve times seven: "
ANSWER = "eighty-four, in words."
_BROKE = re.compile(r"\n\[the connection broke: resuming\]\n")


def slow_model(resume: asyncio.Event) -> ScriptedModel:
    """It waits in the middle of its thought."""
    thought = think("Twelve ", "times ", "seven: ")
    answer = say("eighty", "-", "four, ", "in ", "words.")
    return ScriptedModel([*thought[:2], Wait(resume), *thought[2:], *answer])


@pytest.mark.promise("P6", "P9")
@pytest.mark.parametrize("restarted", [False, True], ids=["server lives", "server restarted"])
async def test_the_python_example_prints_the_whole_answer_after_a_cut_in_a_thought(
    restarted: bool, folder: Path
) -> None:
    resume = asyncio.Event()
    async with (
        relaying() as relay,
        SqliteStore.open(folder / "thinkaloud.db") as store,
        asyncio.TaskGroup() as tasks,
    ):
        relay.cuts = [b"times "]
        async with server(slow_model(resume), store=store) as served:
            relay.target = served.url
            shown = tasks.create_task(python("python/resume.py", relay.url, cwd=folder))
            await relay.cut.wait()
            resume.set()
            await served.runs.active.wait_for_all(60.0)
            if not restarted:
                relay.open.set()
                await shown
        async with server(ScriptedModel(), store=store) as served:
            relay.target = served.url
            relay.open.set()
            printed = await shown
    assert _BROKE.sub("", printed) == THOUGHT + ANSWER
    assert len(_BROKE.findall(printed)) >= 1


@pytest.mark.promise("P9")
@pytest.mark.skipif(node() is None, reason="needs Node.js")
@pytest.mark.parametrize("restarted", [False, True], ids=["server lives", "server restarted"])
@pytest.mark.parametrize("cuts", [[b"times "], [b"times ", b"event: token"]], ids=["once", "twice"])
async def test_event_source_shows_the_whole_answer_after_a_cut(
    cuts: list[bytes], restarted: bool, folder: Path
) -> None:
    resume = asyncio.Event()
    async with (
        relaying() as relay,
        SqliteStore.open(folder / "thinkaloud.db") as store,
        asyncio.TaskGroup() as tasks,
    ):
        relay.cuts = cuts.copy()
        async with server(slow_model(resume), store=store) as served:
            relay.target = served.url
            body = {"text": "Hi", "include_reasoning": True}
            async with served.session.post(f"{served.api}/chat/stream-sse", json=body) as response:
                run_id = response.headers["X-Run-ID"]
            page = tasks.create_task(follow(relay.url, run_id, folder))
            await relay.cut.wait()
            resume.set()
            await served.runs.active.wait_for_all(60.0)
            if not restarted:
                await let_in(relay, len(cuts), page)
        async with server(ScriptedModel(), store=store) as served:
            relay.target = served.url
            await let_in(relay, len(cuts), page)
    assert page.result().splitlines() == [THOUGHT, ANSWER, "completed"]


async def let_in(relay: Relay, times: int, page: asyncio.Task[str]) -> None:
    """Let the page connect so often, up to its end."""
    for _ in range(times):
        relay.cut.clear()
        relay.open.set()
        cut = asyncio.create_task(relay.cut.wait())
        await asyncio.wait([cut, page], return_when=asyncio.FIRST_COMPLETED)
        cut.cancel()


PAGE = """
import { follow } from %s;
let shown = [];
const alive = setInterval(() => {}, 1000); // Node.js does not wait for a reconnect, a page does.
const reply = await follow(process.env.URL, process.env.RUN, (...texts) => (shown = texts));
clearInterval(alive);
console.log([...shown, reply.status].join("\\n"));
"""


async def follow(url: str, run_id: str, folder: Path) -> str:
    """What a page has in the end that follows a run with the example."""
    example = json.dumps((EXAMPLES / "javascript" / "event_source.mjs").as_uri())
    program = ["--no-warnings", "--experimental-eventsource", "--input-type=module"]
    return await output(
        str(node()), *program, "-e", PAGE % example, cwd=folder, URL=url, RUN=run_id
    )
