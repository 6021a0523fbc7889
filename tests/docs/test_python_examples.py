"""The Python examples do what their pages say."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.docs.examples import EXAMPLES, READER, demo, module, output, plain, python, server
from thinkaloud import Agent
from thinkaloud.events.event import ToolEnded, ToolProgress
from thinkaloud.testing import Cut, ScriptedModel, Wait, call_tool, say, think


@pytest.mark.parametrize("example", ["python/minute.py", "tutorial/ask.py"])
async def test_a_first_program_shows_the_thought_dim_and_then_the_answer(
    example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await module(example).main(ScriptedModel([think("Hm, ", "84."), say("It is ", "84.")]))
    assert capsys.readouterr().out.strip() == ("\033[2mHm, \033[2m84.\033[0mIt is \033[0m84.")


@pytest.mark.parametrize("example", ["python/minute.py", "tutorial/ask.py"])
async def test_a_first_program_needs_no_key(
    example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await module(example).main(demo())
    shown = plain(capsys.readouterr().out)
    assert "calculate" in shown
    assert "84" in shown
    assert "demo model" in shown


async def test_the_whole_reply_has_thought_answer_and_tools(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await module("python/whole_reply.py").main(demo())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("thought: ")
    assert "tools: ['calculate']" in lines
    assert lines[-1] == "model calls: 2"


async def test_a_callback_gets_the_kind_of_each_chunk(capsys: pytest.CaptureFixture[str]) -> None:
    await module("python/callback.py").main(ScriptedModel([think("Hm."), say("84")]))
    assert capsys.readouterr().out == "reasoning: 'Hm.'\nassistant: '84'\n"


async def test_the_typed_events_include_tools_and_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await module("python/typed_events.py").main(demo())
    shown = capsys.readouterr().out
    assert "[calculate {" in shown
    assert "[calculate: ok, 84]" in shown
    assert "[completed, " in shown


def test_conversations_work_without_async(
    capsys: pytest.CaptureFixture[str],
) -> None:
    module("python/without_async.py").main(demo())
    first, _, rest = capsys.readouterr().out.partition("\n")
    assert "42" in first
    assert "12 * (3 + 4)" in rest


async def test_a_failure_shows_the_output_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    await module("python/failures.py").main(ScriptedModel([say("It is "), Cut()]))
    assert capsys.readouterr().out == (
        "provider_stream_cut: The stream was cut off.\nso far: 'It is ', worth another try: True\n"
    )


async def test_leaving_a_stream_stops_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    model = ScriptedModel([say("It is "), Wait(asyncio.Event())])
    await module("python/stop_early.py").main(model)
    assert capsys.readouterr().out == "enough after 'It is '\nstopped\n"


async def test_the_socket_client_shows_thought_answer_and_timing(folder: Path) -> None:
    async with server() as served:
        address = served.url.replace("http", "ws", 1)
        shown = await python("python/websocket_client.py", address, cwd=folder)
    assert "84" in shown
    assert "'time_to_first_reasoning_ms'" in shown


async def test_a_broken_stream_is_resumed_without_a_gap_and_without_a_repetition(
    folder: Path,
) -> None:
    script = [think("Twelve ", "times ", "seven: "), say("eighty", "-", "four.")]
    received = asyncio.Event()
    async with (
        server(
            ScriptedModel([*script[0][:2], Wait(received), *script[0][2:], *script[1]])
        ) as served,
        cut_once(served.url, after=b"times ", cut=received) as url,
    ):
        shown = await python("python/resume.py", url, cwd=folder)
    words = [line for line in shown.splitlines() if line and not line.startswith("[")]
    assert "[the connection broke: resuming]" in shown
    assert "".join(words).replace(" ", "") == "Twelvetimesseven:eighty-four."


async def test_a_call_is_approved_in_python(capsys: pytest.CaptureFixture[str]) -> None:
    approvals = module("python/approvals.py")
    calls = [call_tool("write_note", {"text": "sold out"})]
    await approvals.main(ScriptedModel(*calls, [say("Noted.")]))

    assert approvals.NOTES == ["sold out"]
    assert capsys.readouterr().out == "write_note: {'text': 'sold out'}\nNoted.\n"


async def test_a_source_offers_a_tool_that_reports_progress() -> None:
    tools = module("python/tools.py")
    model = ScriptedModel([call_tool("send", {"papers": ["a", "b"]})], [say("Done.")])
    async with Agent(model, tools=[], tool_sources=[tools.Desks()]) as agent:
        events = [event async for event in agent.events("Send them.")]

    assert [each.result for each in events if isinstance(each, ToolEnded)] == [
        "Sent 2 papers for local."
    ]
    assert [each.message for each in events if isinstance(each, ToolProgress)] == ["Sending a"]


async def test_the_tools_have_schemas_and_reject_invalid_arguments() -> None:
    tools = module("python/tools.py")
    properties = tools.convert.schema.parameters["properties"]
    assert properties["amount"]["description"] == "how much, in the source currency."
    assert properties["amount"]["minimum"] == 0
    assert set(properties["target"]["enum"]) == {"EUR", "USD"}
    assert (tools.wait_for.schema.name, tools.wait_for.timeout) == ("wait", 5.0)

    calls = [
        call_tool("convert", {"amount": 10, "source": "EUR", "target": "USD"}, "one"),
        call_tool("convert", {"amount": 10, "source": "EUR"}, "two"),
        call_tool("convert", {"amount": -1, "source": "USD"}, "three"),
        call_tool("wait", {"seconds": 0}, "four"),
    ]
    async with Agent(
        ScriptedModel(calls, [say("Done.")]), tools=[tools.convert, tools.wait_for]
    ) as agent:
        results = (await agent.chat("Convert."))["action_results"]
    assert [(each["status"], each["result"]) for each in results] == [
        ("ok", "11.0"),
        ("error", "source and target are the same: nothing to convert."),
        ("error", results[2]["result"]),
        ("ok", "Waited 0 s."),
    ]
    assert "'amount' of convert is wrong" in str(results[2]["result"])


async def test_the_example_hooks_write_a_log_and_add_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hooks = module("python/hooks.py")
    async with Agent(demo(), hooks=[hooks.Diary, hooks.Disclaimer]) as agent:
        reply = await agent.chat("What is 12 * (3 + 4)?")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{reply['run_id']} asks demo/thinkaloud: What is 12 * (3 + 4)?"
    assert lines[1].startswith("calls calculate {")
    assert lines[-1] == "completed after 2 thoughts"
    assert reply["assistant_response"].endswith("AI.*\n\nPrices may change.")


async def test_the_shop_of_the_tutorial_answers_from_its_shelf(folder: Path) -> None:
    assert await python("tutorial/shop.py", cwd=folder) == (
        "thought: They want to know about apples. Twelve. That will do.\n"
        "tool: stock 12\n"
        "answer: Yes: 12 apples are left.\n"
    )


async def test_the_watcher_of_the_tutorial_sees_thoughts_and_calls(folder: Path) -> None:
    assert (await python("tutorial/watched_shop.py", cwd=folder)).splitlines() == [
        "thinks 'They want to know '",
        "thinks 'about apples. '",
        "has thought",
        'calls stock {"fruit":"apples"}',
        "thinks 'Twelve. That will do.'",
        "has thought",
        "Yes: 12 apples are left.",
        "",
        "Come again!",
    ]


async def test_the_shop_of_the_tutorial_is_served_until_ctrl_c(folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        EXAMPLES / "tutorial" / "serve_shop.py",
        cwd=folder,
        env={**READER, "THINKALOUD_SERVER__PORT": "0", "HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        url = line.removeprefix("The shop is open at ").strip()
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{url}/api/v1/chat/message", json={"text": "Have you any apples?"}
            ) as response,
        ):
            body = await response.json()
        process.send_signal(signal.SIGINT)
        watched, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert body["response"] == "Yes: 12 apples are left.\n\nCome again!"
    assert b"calls stock" in watched
    assert process.returncode == 0


async def test_the_tests_of_the_tutorial_pass_and_fail_with_the_shop(folder: Path) -> None:
    for name in ("shop.py", "test_shop.py"):
        (folder / name).write_text(
            (EXAMPLES / "tutorial" / name).read_text(encoding="utf-8"), encoding="utf-8"
        )
    assert "3 passed" in await output(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder
    )


@asynccontextmanager
async def cut_once(url: str, after: bytes, cut: asyncio.Event) -> AsyncGenerator[str]:
    """A relay before a server that breaks the first connection off once these bytes went through."""
    port = int(url.rpartition(":")[2])
    relayed = asyncio.TaskGroup()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)

        async def upwards() -> None:
            while data := await reader.read(65536):
                inner_writer.write(data)

        up = relayed.create_task(upwards())
        seen = b""
        while data := await inner_reader.read(65536):
            seen += data
            writer.write(data)
            await writer.drain()
            if not cut.is_set() and after in seen:
                break
        cut.set()
        up.cancel()
        writer.close()
        inner_writer.close()

    async with relayed, await asyncio.start_server(relay, "127.0.0.1", 0) as listener:
        address = listener.sockets[0].getsockname()
        yield f"http://127.0.0.1:{address[1]}"
        listener.close()


def test_every_python_example_is_tried_here() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    files = [*EXAMPLES.glob("python/*.py"), *EXAMPLES.glob("tutorial/*.py")]
    assert [file.name for file in files if file.name not in here] == []


def test_every_example_passes_a_type_checker() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("basedpyright"), "--pythonpath", sys.executable],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )
    assert done.stdout.endswith("0 errors, 0 warnings, 0 notes\n"), done.stdout
