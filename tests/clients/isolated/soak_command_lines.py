"""Codex, Claude Code, opencode and aider, set up as the documentation says."""

import asyncio
import json
import os
import shlex
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from benchmarks.support.environments import npm_packages, python_with
from tests.clients.isolated.recipes import recipe
from tests.server.serving import serving
from thinkaloud.events.model import ModelEvent
from thinkaloud.events.prompt import AssistantTurn, ModelRequest, ReasoningPart, ToolTurn
from thinkaloud.server.wire_settings import OpenAISettings, WireSettings
from thinkaloud.testing import ScriptedModel, call_tool, say, think

CLI = Path(__file__).parent / "cli"
QUESTION = "What does word.txt say?"
SHOWN = WireSettings(openai=OpenAISettings(include_reasoning=True))


class Workplace:
    """A home and a project of somebody who uses a command line agent."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.project = folder / "project"
        self.word = self.project / "word.txt"
        self.home.mkdir()
        self.project.mkdir()
        self.word.write_text("heliotrope\n", encoding="utf-8")

    async def run(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> str:
        """Run a program to its end, and return what it wrote."""
        places = {f"XDG_{name}_HOME": str(self.home / name) for name in ("DATA", "CONFIG", "CACHE")}
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.project,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "PWD": str(self.project),
                "XDG_STATE_HOME": str(self.home / "STATE"),
                **places,
                **environment,
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(120):
            output, _ = await process.communicate()
        text = output.decode()
        assert process.returncode == 0, text
        return text


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


class TitlingModel(ScriptedModel):
    """Also answers requests for titles, which opencode sends at the same time."""

    @override
    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[ModelEvent]]:
        title = str(request.turns[0]).startswith("UserTurn(text='Generate a title")
        model = ScriptedModel([say("A file")]) if title else super()
        async for events in model.stream(request):
            yield events


def reading(tool: str, arguments: Any) -> ScriptedModel:
    """A model that reads the file with a tool of the agent, and then answers."""
    return TitlingModel(
        [think("Let me look."), call_tool(tool, arguments, "call_1")],
        [think("Got it."), say("It says heliotrope.")],
    )


def assert_read(model: ScriptedModel) -> None:
    """Assert that the model got its reasoning and the file's content back."""
    *_, response, results = model.requests[-1].turns
    assert isinstance(response, AssistantTurn)
    assert response.parts[0] == ReasoningPart("Let me look.")
    assert isinstance(results, ToolTurn)
    assert "heliotrope" in results.results[0].content


def json_lines(output: str) -> list[Any]:
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


@pytest.mark.feature("reasoning", "client tools", "history")
async def test_codex_shows_the_reasoning_and_reads_a_file(workplace: Workplace) -> None:
    model = reading("exec_command", {"cmd": "cat word.txt"})
    async with serving(model) as served:
        folder = workplace.home / ".codex"
        folder.mkdir()
        text = recipe("openai.md", "Codex", served.url)
        (folder / "config.toml").write_text(text, encoding="utf-8")
        options = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json"]
        output = await workplace.run(
            [npm_packages(CLI) / "codex", "exec", *options, QUESTION],
            {"THINKALOUD_API_KEY": "unused"},
        )
    items = [each["item"] for each in json_lines(output) if each["type"] == "item.completed"]
    assert [each["text"] for each in items if each["type"] == "reasoning"] == [
        "Let me look.",
        "Got it.",
    ]
    assert [each["text"] for each in items if each["type"] == "agent_message"] == [
        "It says heliotrope."
    ]
    assert_read(model)


@pytest.mark.feature("reasoning", "client tools", "history")
async def test_claude_code_shows_the_reasoning_and_reads_a_file(workplace: Workplace) -> None:
    model = reading("Read", {"file_path": str(workplace.word)})
    async with serving(model) as served:
        *exports, _ = recipe("anthropic.md", "Claude Code", served.url).splitlines()
        pairs = [line.removeprefix("export ").split("=", 1) for line in exports]
        options = ["--output-format", "stream-json", "--verbose"]
        command = [npm_packages(CLI) / "claude", "-p", *options, QUESTION]
        output = await workplace.run(command, dict(pairs))
    messages = [each["message"] for each in json_lines(output) if each["type"] == "assistant"]
    blocks = [block for message in messages for block in message["content"]]
    assert [each["thinking"] for each in blocks if each["type"] == "thinking"] == [
        "Let me look.",
        "Got it.",
    ]
    assert [each["text"] for each in blocks if each["type"] == "text"] == ["It says heliotrope."]
    assert_read(model)


@pytest.mark.feature("reasoning", "client tools", "history")
async def test_opencode_shows_the_reasoning_and_reads_a_file(workplace: Workplace) -> None:
    model = reading("read", {"filePath": str(workplace.word)})
    async with serving(model, wires=SHOWN) as served:
        text = recipe("openai.md", "opencode", served.url)
        (workplace.project / "opencode.json").write_text(text, encoding="utf-8")
        options = ["--thinking", "-m", "thinkaloud/scripted/model"]
        output = await workplace.run(
            [npm_packages(CLI) / "opencode", "run", *options, QUESTION],
            {"OPENCODE_DISABLE_MODELS_FETCH": "1"},
        )
    assert "Let me look." in output
    assert "It says heliotrope." in output
    assert_read(model)


@pytest.mark.feature("reasoning")
async def test_aider_shows_the_reasoning(workplace: Workplace) -> None:
    model = ScriptedModel([think("Hmm."), say("Hi there.")])
    async with serving(model, wires=SHOWN) as served:
        command = shlex.split(recipe("openai.md", "aider", served.url))
        program = python_with("aider.txt").parent / command[0]
        options = ["--no-git", "--yes-always", "--no-check-update", "--no-analytics"]
        output = await workplace.run(
            [program, *command[1:], *options, "--no-show-model-warnings", "--message", "Hello"],
            {"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        )
    assert output.index("Hmm.") < output.index("Hi there.")
