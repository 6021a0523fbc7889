"""Servers made with the official library, over both transports and in both generations."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from tests.tools.mcp import sdk_server
from tests.tools.mcp.opened import Context, call, names, one, opened, tool
from thinkaloud.errors import ToolError
from thinkaloud.events.content import ImageContent
from thinkaloud.ports.tool import Answer
from thinkaloud.tools.mcp.settings import McpSettings

TOOLS = ["s__add", "s__picture", "s__steps", "s__greet", "s__fail"]
GENERATIONS = pytest.mark.parametrize(
    ("protocol", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")]
)


def over_stdio(protocol: str, **settings: object) -> McpSettings:
    program = str(Path(sdk_server.__file__))
    return McpSettings(command=sys.executable, args=(program,), protocol=protocol, **settings)  # type: ignore[arg-type]


@asynccontextmanager
async def over_http(port: int = 0) -> AsyncIterator[str]:
    """The address of the server, on loopback."""
    app = sdk_server.server.streamable_http_app()
    running = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", port)) as listening:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(running.serve(sockets=[listening]))
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
            finally:
                running.should_exit = True


@GENERATIONS
async def test_tools_over_stdio_are_called_with_progress_images_and_errors(
    tmp_path: Path, protocol: str, version: str
) -> None:
    context = Context()
    async with opened(tmp_path, s=over_stdio(protocol)) as servers:
        assert one(servers).status.protocol == version
        assert await names(servers) == TOOLS
        assert await call(servers, "add", a=1, b=2) == "3"
        assert await call(servers, "steps", context) == "done"
        picture = await tool(servers, "picture").call_in(Context(), {})
        failed = await tool(servers, "fail").call_in(Context(), {})
    assert context.reports == [("half", 1.0, 2.0)]
    assert isinstance(picture.content[0], ImageContent)
    assert picture.content[0].media_type == "image/png"
    assert failed.is_error
    assert "Error executing tool fail" in str(failed.content[0])


@GENERATIONS
async def test_tools_over_http_are_called(tmp_path: Path, protocol: str, version: str) -> None:
    async with over_http() as url:
        settings = McpSettings(url=url, protocol=protocol)  # type: ignore[arg-type]
        async with opened(tmp_path, s=settings) as servers:
            assert one(servers).status.protocol == version
            assert await names(servers) == TOOLS
            assert await call(servers, "add", a=1, b=2) == "3"


async def test_a_question_of_a_server_goes_to_the_person_whose_call_it_is(tmp_path: Path) -> None:
    context = Context(Answer("accept", {"name": "Ada"}))
    async with over_http() as url:
        settings = McpSettings(url=url, protocol="legacy")
        async with opened(tmp_path, s=settings) as servers:
            assert await call(servers, "greet", context) == "accept Ada"
            assert await call(servers, "greet", Context()) == "decline "
    ((message, schema, url),) = context.asked
    assert message == "s: Who are you?"
    assert schema is not None
    assert "name" in str(schema["properties"])
    assert url is None


async def test_a_restarted_http_server_is_used_again(tmp_path: Path) -> None:
    async with over_http() as url:
        settings = McpSettings(url=url, protocol="legacy")
        async with opened(tmp_path, s=settings) as servers:
            add = tool(servers, "add")
            assert await call(servers, "add", a=1, b=2) == "3"
            sessions = sdk_server.server.session_manager._server_instances
            assert len(sessions) == 1
            sessions.clear()  # What a restart does to the sessions of a server.
            output = await add.call_in(Context(), {"a": 2, "b": 3})
            assert "5" in str(output.content)
            assert len(sessions) == 1


async def test_a_destructive_tool_is_never_called_without_asking(tmp_path: Path) -> None:
    async with (
        over_http() as url,
        opened(tmp_path, s=McpSettings(url=url, approval="never")) as servers,
    ):
        assert tool(servers, "add").approval == "never"
        assert tool(servers, "fail").approval == "ask"


async def test_a_call_of_a_server_that_is_down_says_so(tmp_path: Path) -> None:
    async with over_http() as url:
        pass
    async with over_http() as other:
        down, up = McpSettings(url=url, connect_timeout=1), McpSettings(url=other)
        async with opened(tmp_path, s=down, t=up) as servers:
            assert one(servers).status.state == "failed"
            assert await names(servers) == [name.replace("s__", "t__", 1) for name in TOOLS]
            definition = tool(servers, "add", "t").definition
            with pytest.raises(ToolError, match="The MCP server s is not available"):
                await one(servers).call(definition, {}, Context())
