"""Servers over HTTP that misbehave, and what a server may not make us do."""

from pathlib import Path

import pytest
from aiohttp import web

from tests.tools.mcp.opened import call, one, opened, tool
from tests.tools.web import Handler, serving
from thinkaloud.errors import ToolError
from thinkaloud.tools.mcp.settings import McpSettings

INFO = {"name": "raw", "version": "1"}
TOOL = {"name": "echo", "inputSchema": {"type": "object"}}


def raw(answers: dict[str, object]) -> Handler:
    """A server with a handshake, whose `tools/call` gives these answers by the argument `text`."""

    async def respond(request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405)
        message = await request.json()
        method, number = message["method"], message.get("id")
        if number is None:
            return web.Response(status=202)
        result: object = None
        if method == "initialize":
            result = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": INFO,
            }
        elif method == "tools/list":
            result = {"tools": [TOOL]}
        elif method == "tools/call":
            answer = answers[message["params"]["arguments"]["text"]]
            if isinstance(answer, web.Response):
                return answer
            result = {"content": [{"type": "text", "text": answer}]}
        return web.json_response({"jsonrpc": "2.0", "id": number, "result": result})

    return respond


def at(port: int, **settings: object) -> McpSettings:
    return McpSettings(url=f"http://127.0.0.1:{port}/mcp", protocol="legacy", **settings)  # type: ignore[arg-type]


async def test_a_result_of_30_megabytes_over_http_fails_just_that_call(tmp_path: Path) -> None:
    answers: dict[str, object] = {"huge": "x" * 30_000_000, "small": "hi"}
    limit = 100_000
    async with (
        serving(raw(answers)) as site,
        opened(tmp_path, s=at(site.port, max_result_bytes=limit)) as servers,
    ):
        with pytest.raises(ToolError, match=r"larger than 100,000 bytes"):
            await call(servers, "echo", text="huge")
        assert await call(servers, "echo", text="small") == "hi"


async def test_a_redirect_to_another_address_is_not_followed(tmp_path: Path) -> None:
    async with serving(raw({})) as inner:

        async def redirect(request: web.Request) -> web.StreamResponse:
            return web.Response(
                status=307, headers={"Location": f"http://127.0.0.1:{inner.port}/mcp"}
            )

        async with serving(redirect) as site, opened(tmp_path, s=at(site.port)) as servers:
            assert one(servers).status.state == "failed"
            assert "not followed" in one(servers).status.error
        assert inner.requests == []


async def test_a_server_that_refuses_our_credentials_says_so(tmp_path: Path) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=401)

    async with serving(refuse) as site, opened(tmp_path, s=at(site.port)) as servers:
        assert "needs other credentials" in one(servers).status.error


@pytest.mark.parametrize("status", [400, 500])
async def test_an_http_error_fails_just_that_call(tmp_path: Path, status: int) -> None:
    answers: dict[str, object] = {"bad": web.Response(status=status), "small": "hi"}
    async with serving(raw(answers)) as site, opened(tmp_path, s=at(site.port)) as servers:
        with pytest.raises(ToolError):
            await call(servers, "echo", text="bad")
        assert await call(servers, "echo", text="small") == "hi"


async def test_headers_come_from_the_named_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_AUTHORIZATION", "Bearer s3cret")
    async with serving(raw({})) as site:
        settings = at(site.port, headers_env={"Authorization": "MCP_AUTHORIZATION"})
        async with opened(tmp_path, s=settings) as servers:
            assert tool(servers, "echo").schema.name == "s__echo"
        assert {r.headers.get("Authorization") for r in site.requests} == {"Bearer s3cret"}
        assert "s3cret" not in repr(settings)
