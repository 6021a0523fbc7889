"""Runs the documentation's examples against a server with a demo model that needs no time."""

import asyncio
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from typing_extensions import override

from scripts.tree import ROOT
from tests.server.serving import Served, serving
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.model import Model
from thinkaloud.providers.demo import DemoModel
from thinkaloud.tools import builtin_tools

DOCS: Final = ROOT / "docs"
EXAMPLES: Final = DOCS / "examples"
READER: Final = {"PATH": os.environ["PATH"], "NO_PROXY": "*", "PYTHONDONTWRITEBYTECODE": "1"}
"""The environment of a program that a reader starts, but for its home."""
_ESCAPES: Final = re.compile(r"\x1b\[\d+m")


class InstantClock(SystemClock):
    """The machine's clock, for models that speak at a human pace: without waiting."""

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def demo() -> Model:
    """The demo model, at once."""
    return DemoModel(InstantClock())


def module(path: str) -> ModuleType:
    """Load an example by its path below docs/examples."""
    file = EXAMPLES / path
    spec = importlib.util.spec_from_file_location(f"example_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@asynccontextmanager
async def server(*models: Model, **settings: Any) -> AsyncGenerator[Served]:
    """A real server with the built-in tools, on the demo model by default."""
    clock = SystemClock()
    tools = builtin_tools(None, lambda: clock.unix_ms() / 1000, fetch=False)
    async with serving(*(models or (demo(),)), tools=tools, **settings) as served:
        yield served


async def output(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    """What a program prints that ends well. It is killed where the test is given up."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        env={**READER, "HOME": str(cwd), **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def python(path: str, *arguments: str, cwd: Path, **environment: str) -> str:
    """What a Python example prints, run as a reader would."""
    return await output(sys.executable, EXAMPLES / path, *arguments, cwd=cwd, **environment)


def node() -> str | None:
    """The Node.js that the web UI is built with, or one that is installed."""
    own = ROOT / ".setup" / "node" / "bin"
    return shutil.which("node", path=f"{own}:{os.environ['PATH']}")


def plain(text: str) -> str:
    """A text without colors."""
    return _ESCAPES.sub("", text)
