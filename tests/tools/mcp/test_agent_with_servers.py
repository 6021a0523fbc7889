"""An agent and the terminal with configured MCP servers, from the configuration file to the model."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.tree import ROOT
from tests.tools.mcp.opened import ROGUE
from thinkaloud import Agent
from thinkaloud.events.event import ToolEnded
from thinkaloud.events.interaction import ApprovalRequested
from thinkaloud.providers.scripted import ScriptedModel, call_tool, say

LOADED = (
    "print(sorted({n.partition('.')[0] for n in sys.modules} & {'mcp', 'mcp_types', 'httpx2'}))"
)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THINKALOUD_DATA_DIR", str(tmp_path / "data"))
    file = tmp_path / "servers.toml"
    file.write_text(
        "[model]\ndefault = 'demo/thinkaloud'\n"
        f"[mcp.up]\ncommand = {json.dumps(sys.executable)}\nprotocol = 'legacy'\n"
        f"args = [{json.dumps(ROGUE)}, 'malformed']\napproval = 'never'\n"
        "[mcp.down]\ncommand = 'no-such-program-xyz'\n"
        "[mcp.off]\nenabled = false\ncommand = 'another-program'\n",
        encoding="utf-8",
    )
    return file


async def test_a_model_calls_the_tool_of_a_configured_server(config: Path) -> None:
    model = ScriptedModel(call_tool("up__echo", {"text": "hello"}), say("done"))
    async with Agent(model, config=config) as agent:
        names = agent.get_system_info()["tools"]
        assert isinstance(names, list)
        assert "up__echo" in names
        events = [event async for event in agent.events("Say hello.")]
    ended = [event for event in events if isinstance(event, ToolEnded)]
    assert [(each.name, each.status, each.result) for each in ended] == [
        ("up__echo", "ok", "hello")
    ]
    assert "up__echo" in [tool.name for tool in model.requests[0].tools]


async def test_an_agent_without_tools_connects_to_no_server(config: Path) -> None:
    async with Agent(ScriptedModel(), config=config, tools=[]) as agent:
        assert agent.runtime.mcp.servers == ()


def test_nothing_of_the_library_is_loaded_without_a_server(tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
from thinkaloud import Agent
from thinkaloud.providers.scripted import ScriptedModel, say
async def start():
    async with Agent(ScriptedModel(say("hello"))) as agent:
        await agent.chat("hi")
asyncio.run(start())
{LOADED}
"""
    shown = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "THINKALOUD_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "[]\n"


async def test_a_call_that_needs_approval_waits_for_a_person(config: Path) -> None:
    config.write_text(
        config.read_text(encoding="utf-8").replace("approval = 'never'", "approval = 'ask'"),
        encoding="utf-8",
    )
    model = ScriptedModel(call_tool("up__echo", {"text": "hello"}), say("done"))
    async with Agent(model, config=config) as agent:
        async for event in agent.events("Say hello."):
            assert not isinstance(event, ToolEnded)
            if isinstance(event, ApprovalRequested):
                asked = event
                break
    assert (asked.action, asked.server, asked.title) == ("up__echo", "up", "echo")
    assert asked.fingerprint != ""
