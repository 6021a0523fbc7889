"""Channels of other packages: found by entry point, configured, and connected to runs."""

import asyncio
import shutil
import tomllib
from pathlib import Path

import pytest

from scripts.tree import ROOT
from thinkaloud.app.channels import enabled_channels, open_channels
from thinkaloud.app.runtime import Choices, Runtime, open_runtime
from thinkaloud.channels.plugins import GROUP
from thinkaloud.config import load
from thinkaloud.errors import ConfigurationError
from thinkaloud.providers.scripted import Wait
from thinkaloud.testing import ModelFailed, ScriptedModel, say, think

EXAMPLE = ROOT / "docs" / "examples" / "channels"


UNUSABLE = """
from thinkaloud.channels import BaseChannel

class Half(BaseChannel):
    async def start(self):
        pass
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the documented plugin in a folder of its own, and one whose class is none."""
    site = tmp_path / "site"
    info = site / "line_channel-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(EXAMPLE / "line_channel.py", site)
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wrong = {"wrong": "json:dumps", "gone": "no_such_module:X", "half": "unusable:Half"}
    names = {**project["entry-points"][GROUP], **wrong}
    (site / "unusable.py").write_text(UNUSABLE, encoding="utf-8")
    lines = "\n".join(f"{name} = {value}" for name, value in names.items())
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}\n", encoding="utf-8")
    (info / "METADATA").write_text("Name: line-channel\nVersion: 1.0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    return tmp_path


def configured(folder: Path, text: str) -> Path:
    file = folder / "thinkaloud.toml"
    file.write_text(text, encoding="utf-8")
    return file


def example_settings(folder: Path) -> str:
    text = (EXAMPLE / "thinkaloud.toml").read_text(encoding="utf-8")
    return text.replace("/tmp/chat.sock", str(folder / "chat.sock"))


async def connected(folder: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as soon as the channel listens."""
    while not (folder / "chat.sock").exists():
        await asyncio.sleep(0)
    return await asyncio.open_unix_connection(str(folder / "chat.sock"))


async def test_the_documented_plugin_talks_and_shows_its_thinking(install: Path) -> None:
    configuration = load(configured(install, example_settings(install)), environment={})
    model = ScriptedModel([think("2 + 2…", " easy."), say("It is ", "4.")])
    choices = Choices(model=model)
    async with open_runtime(configuration, choices) as runtime, open_channels(runtime):
        reader, writer = await connected(install)
        writer.write(b"What is 2 + 2?\n")
        shown = await reader.readuntil(b"4.\n")
        writer.close()
    plain = shown.decode().replace("\033[2m", "").replace("\033[0m", "")
    assert plain == "2 + 2… easy.\nIt is 4.\n"
    assert b"\033[2m" in shown.partition(b"It is")[0]
    assert b"\033" not in shown.partition(b"easy")[2].partition(b"\n")[2]


@pytest.mark.promise("P7")
@pytest.mark.parametrize(
    "setting",
    [
        "[channels.line]\nshow_reasoning = false",
        '[channels.line]\nreasoning = "deny"',
        '[server]\nshow_reasoning = "deny"',
    ],
)
async def test_thinking_that_is_turned_off_does_not_reach_the_plugin(
    install: Path, setting: str
) -> None:
    path = f'path = "{install / "chat.sock"}"'
    text = f"{setting}\n{path}" if "channels" in setting else f"[channels.line]\n{path}\n{setting}"
    configuration = load(configured(install, text), environment={})
    model = ScriptedModel([think("secret"), say("Hi.")])
    async with (
        open_runtime(configuration, Choices(model=model)) as runtime,
        open_channels(runtime),
    ):
        reader, writer = await connected(install)
        writer.write(b"Hello\n")
        assert await reader.readuntil(b"Hi.\n") == b"Hi.\n"
        writer.close()


@pytest.mark.promise("P12")
async def test_two_chats_of_a_plugin_have_runs_of_their_own(install: Path) -> None:
    configuration = load(configured(install, example_settings(install)), environment={})
    gate = asyncio.Event()
    model = ScriptedModel([say("First "), Wait(gate), say("chat.")], [say("Second chat.")])
    choices = Choices(model=model)
    async with open_runtime(configuration, choices) as runtime, open_channels(runtime):
        reader, writer = await connected(install)
        writer.write(b"One\n")
        await reader.readuntil(b"First ")
        other_reader, other_writer = await connected(install)
        other_writer.write(b"Two\n")
        assert await other_reader.readuntil(b"\n") == b"Second chat.\n"
        gate.set()
        assert await reader.readuntil(b"\n") == b"chat.\n"
        writer.close()
        other_writer.close()
        for chat in ("line:1", "line:2"):
            assert await runtime.store.conversation("local", chat) is not None


@pytest.mark.promise("P12")
async def test_the_chats_of_a_plugin_belong_to_the_owner_of_its_section(install: Path) -> None:
    settings = example_settings(install) + '\nowner = "ana"\n'
    configuration = load(configured(install, settings), environment={})
    gate = asyncio.Event()
    model = ScriptedModel([say("First "), Wait(gate), say("chat.")], [say("Second.")])
    choices = Choices(model=model)
    async with open_runtime(configuration, choices) as runtime, open_channels(runtime):
        reader, writer = await connected(install)
        writer.write(b"One\n")
        await reader.readuntil(b"First ")
        assert len(runtime.runs.active.in_conversation("ana", "line:1")) == 1
        gate.set()
        assert await reader.readuntil(b"\n") == b"chat.\n"
        writer.write(b"Two\n")
        assert await reader.readuntil(b"\n") == b"Second.\n"
        writer.close()
        assert await runtime.store.conversation("ana", "line:1") is not None
        assert await runtime.store.conversation("local", "line:1") is None
    assert "owner" not in configuration.settings.channels.plugins["line"].options


async def test_a_failure_is_said_in_words(install: Path) -> None:
    configuration = load(configured(install, example_settings(install)), environment={})
    model = ScriptedModel([say("Half"), ModelFailed("provider_overloaded", "Try later.")])
    choices = Choices(model=model)
    async with open_runtime(configuration, choices) as runtime, open_channels(runtime):
        reader, writer = await connected(install)
        writer.write(b"Hello\n")
        assert await reader.readuntil(b"later.\n") == b"Half\nTry later.\n"
        writer.write(b"   \n")
        assert await reader.readuntil(b"\n") == b"text is empty.\n"
        writer.close()


def test_the_names_that_are_turned_on_are_known(install: Path) -> None:
    text = f"{example_settings(install)}\n[channels.websocket]\nenabled = false"
    settings = load(configured(install, text), environment={}).settings
    assert enabled_channels(settings.channels) == ("line",)
    assert dict(settings.channels.plugins["line"].options) == {"path": str(install / "chat.sock")}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "[channels.telex]\n",
            "channels.telex: unknown channel. Available: gone, half, line, ",
        ),
        ("[channels.line]\nenabled = 3\n", "enabled"),
        ("[channels]\nline = 3\n", "channels.line: expected a table"),
        ("[channels]\nwebsocket = 3\n", "channels.websocket"),
        (
            "[channels.websocket]\nshow = true\n",
            "channels.websocket.show: unknown setting",
        ),
        ("channels = 3\n", "channels"),
    ],
)
def test_a_wrong_section_is_refused_and_the_message_says_where(
    install: Path, text: str, wanted: str
) -> None:
    file = configured(install, text)
    with pytest.raises(ConfigurationError) as refused:
        load(file, environment={})
    assert wanted in refused.value.message
    assert str(file) in refused.value.message


def test_the_environment_turns_a_channel_off(install: Path) -> None:
    file = configured(install, example_settings(install))
    environment = {
        "THINKALOUD_CHANNELS__LINE__ENABLED": "false",
        "THINKALOUD_CHANNELS__WEBSOCKET__SHOW_REASONING": "false",
    }
    channels = load(file, environment=environment).settings.channels
    assert (channels.plugins["line"].enabled, channels.websocket.show_reasoning) == (False, False)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("wrong", "not a subclass"),
        ("gone", "cannot be imported"),
        ("half", "could not be created.*send"),
    ],
)
async def test_a_plugin_that_is_no_channel_stops_the_start(
    install: Path, name: str, wanted: str
) -> None:
    configuration = load(configured(install, f"[channels.{name}]\n"), environment={})

    async def open_all() -> Runtime:
        choices = Choices(model=ScriptedModel())
        async with open_runtime(configuration, choices) as runtime, open_channels(runtime):
            return runtime

    with pytest.raises(ConfigurationError, match=wanted):
        await open_all()
