"""Importing the Python API costs no library that only a network model or the server needs."""

import subprocess
import sys

from scripts.tree import ROOT

CHATS = (
    "aiogram",
    "slack_sdk",
    "slack_bolt",
    "discord",
    "lark_oapi",
    "nio",
    "aibot",
    "thinkaloud.channels.wechat.client",
)


def loaded_by(statement: str) -> set[str]:
    """Return which of the heavy libraries a fresh interpreter has after a statement."""
    heavy = (*CHATS, "aiohttp", "botocore", "starlette", "google.auth", "msal", "uvicorn", "yarl")
    code = f"import sys\n{statement}\nprint(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_the_agent_loads_neither_the_network_nor_the_server() -> None:
    assert loaded_by("import thinkaloud.agent") == set()


def test_a_server_without_channels_loads_no_library_of_a_chat_platform() -> None:
    opening = (
        "from thinkaloud.app import server\n"
        "from thinkaloud.config import load\n"
        "load(environment={})"
    )
    assert loaded_by(opening) <= {"aiohttp", "starlette", "uvicorn", "yarl"}


def test_reading_the_settings_of_a_chat_platform_does_not_load_its_library() -> None:
    example = ROOT / "docs" / "examples" / "config" / "telegram.toml"
    reading = (
        "from pathlib import Path\n"
        "from thinkaloud.config import load\n"
        f"load(Path({str(example)!r}), environment={{}}).settings.channels.platforms['telegram']"
    )
    assert loaded_by(reading) & set(CHATS) == set()


def test_the_import_check_detects_loaded_modules() -> None:
    assert loaded_by("from thinkaloud.tools import UrlGuard") == {"aiohttp", "yarl"}


def test_opening_a_network_model_loads_no_network_library() -> None:
    opening = (
        "from thinkaloud.app.discovery import configured_hosts\n"
        "from thinkaloud.config import load\n"
        "from thinkaloud.ports.clock import SystemClock\n"
        "from thinkaloud.providers.catalogue import ConfiguredModels\n"
        "from thinkaloud.providers.client import Sessions\n"
        "hosts = configured_hosts(load(environment={'OPENAI_API_KEY': 'k'}))\n"
        "models = ConfiguredModels(hosts, [], 'x/y', Sessions(), SystemClock())\n"
        "print(models.open('openai/gpt-5.5').info.id[:0])"
    )
    assert loaded_by(opening) == set()
