"""The curl and JavaScript examples do what their pages say, against a real server."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.docs.examples import EXAMPLES, demo, node, output, plain, server
from thinkaloud.events.prompt import UserTurn
from thinkaloud.ports.clock import SystemClock
from thinkaloud.stores.uploads import MemoryUploads
from thinkaloud.testing import ScriptedModel, Silence, Wait, say, think
from thinkaloud.tools.attachments import NamedFiles

pytestmark = pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("bash") is None, reason="needs bash and curl"
)


async def curl(name: str, url: str, *arguments: str, cwd: Path) -> str:
    return await output("bash", EXAMPLES / "http" / name, *arguments, cwd=cwd, URL=url)


def events(text: str) -> list[tuple[str, Any]]:
    """The events of a stream as curl prints it."""
    found: list[tuple[str, Any]] = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def text_of(found: list[tuple[str, Any]], event: str) -> str:
    return "".join(data["token"] for name, data in found if name == event)


async def test_one_request_returns_the_whole_reply(folder: Path) -> None:
    async with server() as served:
        reply = json.loads(await curl("message.sh", served.url, cwd=folder))
    assert "84" in reply["response"]
    assert "calculate" in reply["reasoning"]
    assert (reply["status"], reply["action_results"][0]["result"]) == ("completed", "84")


async def test_a_file_is_uploaded_and_reaches_the_model(folder: Path) -> None:
    file = folder / "word.txt"
    file.write_text("heliotrope", encoding="utf-8")
    model = ScriptedModel([say("A flower.")])
    uploads = MemoryUploads(SystemClock())
    async with server(model, uploads=uploads, attachments=NamedFiles(uploads, None)) as served:
        reply = json.loads(await curl("attach.sh", served.url, str(file), cwd=folder))
    assert reply["response"] == "A flower."
    (turn,) = model.requests[0].turns
    assert isinstance(turn, UserTurn)
    assert '<file name="word.txt">\nheliotrope\n</file>' in turn.text


async def test_the_stream_has_thought_tool_and_answer_in_order(folder: Path) -> None:
    async with server() as served:
        found = events(await curl("stream.sh", served.url, cwd=folder))
    names = [name for name, _ in found]
    assert names[0] == "start"
    assert names[-1] == "complete"
    assert names.index("reasoning") < names.index("reasoning_end") < names.index("action")
    assert names.index("action") < names.index("token")
    assert found[-1][1]["response"] == text_of(found, "token")
    assert found[-1][1]["reasoning"] == text_of(found, "reasoning")


async def test_a_run_is_followed_from_the_event_after_the_last_one_seen(folder: Path) -> None:
    async with server() as served:
        whole = await curl("stream.sh", served.url, cwd=folder)
        run_id = events(whole)[0][1]["run_id"]
        again = events(await curl("follow.sh", served.url, run_id, cwd=folder))
        rest = events(await curl("follow.sh", served.url, run_id, "2", cwd=folder))
        end = await curl("follow.sh", served.url, run_id, str(seqs(whole)[-1]), cwd=folder)
    assert text_of(again, "reasoning") == text_of(events(whole), "reasoning")
    assert "start" in [name for name, _ in again]
    assert "start" not in [name for name, _ in rest]
    assert end == ""


def seqs(text: str) -> list[int]:
    return [int(line[4:]) for line in text.splitlines() if line.startswith("id: ")]


async def test_a_run_is_stopped_from_another_client(folder: Path) -> None:
    model = ScriptedModel([think("Hm."), say("It is "), Silence()])
    async with (
        server(model) as served,
        served.events("POST", "/chat/stream-sse", json={"text": "Hello"}) as stream,
    ):
        start = await anext(stream)
        stopped = json.loads(await curl("stop.sh", served.url, start["data"]["run_id"], cwd=folder))
        frames = [frame async for frame in stream]
    assert stopped["status"] == "stopped"
    assert frames[-1]["data"]["status"] == "stopped"
    assert model.open_streams == 0


async def test_a_conversation_has_history_and_can_be_read(folder: Path) -> None:
    async with server() as served:
        text = await curl("conversation.sh", served.url, cwd=folder)
    first, second, messages = map(json.loads, text.splitlines())
    assert first["conversation_id"] == second["conversation_id"] == "sums"
    assert "6 * 7" in second["response"]
    assert [each["role"] for each in messages["messages"]] == ["user", "assistant"] * 2
    assert messages["messages"][1]["reasoning"]


async def test_an_effort_applies_to_one_message(folder: Path) -> None:
    async with server() as served:
        high = json.loads(await curl("effort.sh", served.url, cwd=folder))
        _, usual = await served.post("/chat/message", {"text": "What is 6 * 7?"})
    assert high["reasoning_effort"] == "high"
    assert usual["reasoning_effort"] is None


async def test_a_request_with_an_idempotency_key_runs_once(folder: Path) -> None:
    async with server() as served:
        first, second = (await curl("idempotent.sh", served.url, cwd=folder)).splitlines()
    assert json.loads(first) == json.loads(second)


async def test_models_are_listed_and_switched(folder: Path) -> None:
    other = ScriptedModel([say("Hello.")], model_id="lab/other")
    async with server(demo(), other) as served:
        text = await curl("switch_model.sh", served.url, "lab/other", cwd=folder)
    decoder = json.JSONDecoder()
    models, end = decoder.raw_decode(text)
    switched, _ = decoder.raw_decode(text[end:])
    assert [(each["id"], each["current"]) for each in models] == [
        ("demo/thinkaloud", True),
        ("lab/other", False),
    ]
    assert (switched["ok"], switched["model"]["current"]) == (True, True)


async def test_an_error_is_reported(folder: Path) -> None:
    async with server() as served:
        problem = json.loads(await curl("refused.sh", served.url, cwd=folder))
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert problem["field"] == "max_iterations"


@pytest.mark.skipif(node() is None, reason="needs Node.js")
async def test_javascript_reads_the_stream_while_it_grows(folder: Path) -> None:
    received = asyncio.Event()
    model = ScriptedModel([think("Twelve ", "times 7 — ü"), Wait(received), say("eighty-", "four")])
    async with server(model) as served:
        process = await asyncio.create_subprocess_exec(
            str(node()),
            EXAMPLES / "javascript" / "main.mjs",
            env={"URL": served.url},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        shown = b""
        while "ü" not in shown.decode("utf-8", "ignore"):
            shown += await process.stdout.read(4096)
        received.set()
        shown += await process.stdout.read()
        await process.wait()
    first, last = plain(shown.decode()).splitlines()
    assert first == "Twelve times 7 — üeighty-four"
    assert last.startswith("completed, ")
    assert process.returncode == 0


BYTE_BY_BYTE = """
import { frames } from %s;
const bytes = new TextEncoder().encode(process.env.STREAM);
const body = new ReadableStream({
  start(controller) {
    for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
    controller.close();
  },
});
const found = [];
for await (const frame of frames(new Response(body))) found.push(frame);
console.log(JSON.stringify(found));
"""


@pytest.mark.skipif(node() is None, reason="needs Node.js")
async def test_javascript_reads_a_stream_that_comes_byte_by_byte(folder: Path) -> None:
    stream = (
        ': \n\nid: 1\nevent: reasoning\ndata: {"token":"a: ü\\n\\n"}\n\n: \n\n'
        'id: 2\nevent: token\ndata: {"token":"€"}\n\n'
    )
    module = json.dumps((EXAMPLES / "javascript" / "stream.mjs").as_uri())
    program = BYTE_BY_BYTE % module
    shown = await output(
        str(node()), "--input-type=module", "-e", program, cwd=folder, STREAM=stream
    )
    assert json.loads(shown) == [
        {"seq": 1, "event": "reasoning", "data": {"token": "a: ü\n\n"}},
        {"seq": 2, "event": "token", "data": {"token": "€"}},
    ]


def test_every_http_example_is_tried_here() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    names = [file.name for file in EXAMPLES.glob("http/*.sh")]
    assert [name for name in names if f'"{name}"' not in here] == []
