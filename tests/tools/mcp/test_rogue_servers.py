"""Servers over standard input and output that misbehave cost just what is wrong with them."""

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from scripts.tree import ROOT
from tests.tools.mcp.opened import Context, alive, call, names, one, opened, rogue, tool, until
from thinkaloud.errors import ToolError
from thinkaloud.events.content import ImageContent, LinkContent, TextContent, text_of


async def test_a_silent_server_loses_only_its_own_tools(tmp_path: Path) -> None:
    silent = rogue("silent", connect_timeout=0.3)
    async with opened(tmp_path, silent=silent, s=rogue()) as servers:
        assert one(servers, "silent").status.error == "It did not answer within 0.3 seconds."
        assert await names(servers) == ["s__echo"]
        assert await call(servers, "echo", text="hi") == "hi"


@pytest.mark.parametrize(
    ("how", "reason"),
    [("exits", "the licence has expired"), ("ancient", "1999-01-01")],
)
async def test_the_status_says_why_a_server_cannot_be_used(
    tmp_path: Path, how: str, reason: str
) -> None:
    async with opened(tmp_path, s=rogue(how)) as servers:
        assert one(servers).status.state == "failed"
        assert reason in one(servers).status.error


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    missing = rogue()
    missing = type(missing)(command="no-such-program-xyz")
    async with opened(tmp_path, s=missing) as servers:
        assert "no-such-program-xyz" in one(servers).status.error


async def test_garbage_between_messages_is_skipped(tmp_path: Path) -> None:
    async with opened(tmp_path, s=rogue("garbage")) as servers:
        assert await call(servers, "echo", text="a") == "a"
        assert await call(servers, "echo", text="b") == "b"


async def test_a_result_of_30_megabytes_fails_just_that_call(tmp_path: Path) -> None:
    async with opened(tmp_path, s=rogue("huge", max_result_bytes=100_000)) as servers:
        with pytest.raises(ToolError, match=r"larger than 100,000 bytes"):
            await call(servers, "echo", text="huge")
        assert await call(servers, "echo", text="small") == "small"


async def test_malformed_and_duplicate_tools_lose_just_themselves(tmp_path: Path) -> None:
    async with opened(tmp_path, s=rogue("malformed")) as servers:
        offered = await names(servers)
        assert offered[:3] == ["s__echo", "s__odd_hints", "s__empty_schema"]
        assert len(offered) == 4
        assert offered[3].startswith("s__with_dots_and_spaces_")
        assert tool(servers, "echo").schema.description == "Repeat a text."
        problems = "\n".join(one(servers).status.problems)
        for name in ("no_schema", "null_schema", "text_schema", "array_schema", "7", "None"):
            assert f"the tool '{name}' was left out" in problems
        assert "two tools are named 'echo'" in problems


async def test_a_bad_block_is_replaced_by_a_note_and_images_stay_images(tmp_path: Path) -> None:
    async with opened(tmp_path, s=rogue("blocks")) as servers:
        output = await tool(servers, "echo").call_in(Context(), {"text": "hi"})
        assert output.content == (
            TextContent("hi"),
            TextContent("[a block of type 'hologram' cannot be shown]"),
            ImageContent("image/png", "aGk="),
            TextContent("[a block of type 'image' cannot be shown]"),
            LinkContent("file:///a", "a"),
            TextContent("[file:///b]\ninside"),
            TextContent("[a block of the result is malformed]"),
        )


async def test_a_result_without_content_is_its_structured_content(tmp_path: Path) -> None:
    async with opened(tmp_path, s=rogue("structured")) as servers:
        assert await call(servers, "echo", text="hi") == '{"said":"hi"}'


async def test_a_result_that_does_not_match_its_schema_is_not_lost(tmp_path: Path) -> None:
    async with opened(tmp_path, s=rogue("output-schema")) as servers:
        assert await call(servers, "echo", text="hi") == "hi"


async def test_a_server_that_dies_in_a_call_is_started_again_for_the_next_one(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, s=rogue("dies")) as servers:
        echo = tool(servers, "echo")
        with pytest.raises(ToolError, match="unknown whether the call took effect"):
            await echo.call_in(Context(), {"text": "die"})
        output = await echo.call_in(Context(), {"text": "again"})
        assert text_of(output.content) == "again"


async def test_a_call_that_hangs_ends_with_its_timeout(tmp_path: Path) -> None:
    async with opened(tmp_path, s=rogue("hangs", timeout=0.2)) as servers:
        with pytest.raises(ToolError, match=r"did not answer within 0\.2 seconds"):
            await call(servers, "echo", text="hang")
        assert await call(servers, "echo", text="hi") == "hi"


async def test_a_stopped_call_leaves_the_server_usable(tmp_path: Path) -> None:
    async with opened(tmp_path, s=rogue("hangs")) as servers:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await call(servers, "echo", text="hang")
        assert await call(servers, "echo", text="hi") == "hi"


async def test_a_flood_of_progress_does_not_stop_the_result(tmp_path: Path) -> None:
    context = Context()
    async with opened(tmp_path, s=rogue("floods")) as servers:
        assert await call(servers, "echo", context, text="hi") == "hi"
    assert context.reports[0] == ("x" * 99, 0.0, -1.0)


async def test_a_changed_definition_is_noticed_and_the_old_one_is_not_called(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path, s=rogue("changes")) as servers:
        old = tool(servers, "echo")
        await old.call_in(Context(), {"text": "hi"})
        await until(lambda: len(one(servers).tools) == 2)
        assert tool(servers, "echo").fingerprint != old.fingerprint
        assert one(servers).status.changes == ("echo: changed: description",)
        assert "MCP server s: echo: changed: description" in caplog.text
        with pytest.raises(ToolError, match="changed or removed the tool echo"):
            await old.call_in(Context(), {"text": "hi"})


async def test_only_the_configured_tools_are_offered(tmp_path: Path) -> None:
    chosen = rogue("malformed", tools=("e*",), max_tools=1)
    async with opened(tmp_path, s=chosen) as servers:
        assert await names(servers) == ["s__echo"]
        assert "1 tools were left out (`max_tools`)" in one(servers).status.problems


@pytest.mark.parametrize("how", ["child", "stubborn"])
async def test_no_process_of_a_server_outlives_ours(tmp_path: Path, how: str) -> None:
    async with opened(tmp_path, s=rogue(how)) as servers:
        server = int(await call(servers, "echo", text="pid"))
        children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="utf-8")
        processes = [server, *map(int, children.split())]
        assert len(processes) == (2 if how == "child" else 1)
        assert all(map(alive, processes))
    await until(lambda: not any(map(alive, processes)))
    assert list((tmp_path / "mcp-processes").iterdir()) == []


async def test_a_server_gets_the_secrets_that_are_named_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_OF_OURS", "s3cret")
    given = rogue(env={"GIVEN": "1"}, env_from={"TOKEN": "TOKEN_OF_OURS"})
    missing = rogue(env_from={"TOKEN": "NOT_SET_ANYWHERE"})
    async with opened(tmp_path, s=given, missing=missing) as servers:
        names = set((await call(servers, "echo", text="environment")).split())
        assert names >= {"GIVEN", "TOKEN", "PATH"}
        assert "TOKEN_OF_OURS" not in names
        error = one(servers, "missing").status.error
        assert error == "The environment variable NOT_SET_ANYWHERE is not set."


async def test_what_our_killed_process_left_is_ended_at_the_next_start(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys, signal, pathlib\n"
        "from tests.tools.mcp.opened import call, opened, rogue\n"
        "async def main():\n"
        "    async with opened(pathlib.Path(sys.argv[1]), s=rogue('stubborn', 'child')) as servers:\n"
        "        print(await call(servers, 'echo', text='pid'), flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path), cwd=ROOT, stdout=subprocess.PIPE
    )
    assert killed.stdout is not None
    server = int(await killed.stdout.readline())
    await until(lambda: not alive(killed.pid))
    children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="utf-8")
    processes = [server, *map(int, children.split())]
    assert len(processes) == 2
    assert all(map(alive, processes))
    async with opened(tmp_path, other=rogue()):
        await until(lambda: not any(map(alive, processes)))
    await killed.wait()


async def test_a_later_process_with_the_same_id_is_not_ended(tmp_path: Path) -> None:
    bystander = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    try:
        record = {
            "owner": {"pid": 2**22 + 1, "started": "1"},
            "groups": [{"pid": bystander.pid, "started": "1"}],
        }
        (tmp_path / "mcp-processes").mkdir()
        file = tmp_path / "mcp-processes" / "1-1.json"
        file.write_bytes(msgspec.json.encode(record))
        async with opened(tmp_path, s=rogue()):
            assert not file.exists()
            assert alive(bystander.pid)
    finally:
        bystander.kill()
        await bystander.wait()
