"""A server with tools that never return, for tests that stop their runs."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Final

from thinkaloud.app.runtime import Choices, Runtime
from thinkaloud.app.server import run_server
from thinkaloud.config import load
from thinkaloud.events.model import AnswerText, ModelEvent, ModelFinished, ToolCall
from thinkaloud.events.prompt import ModelRequest, UserTurn
from thinkaloud.ports.model import ModelInfo, ReasoningAbility
from thinkaloud.tools.function import tool


@tool
def quick() -> str:
    """Return at once."""
    return "Done."


@tool
def blocking() -> None:
    """Never return, in a thread."""
    threading.Event().wait()


@tool
def program() -> None:
    """Wait, in a thread, for a program that ends no sooner than this process."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as cat:
        cat.wait()


@tool
async def stubborn() -> None:
    """Never return, and ignore cancellation."""
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


class Caller:
    """A model that calls the tool that the message names."""

    info: Final = ModelInfo(
        "scripted/caller",
        "Caller",
        "scripted",
        128_000,
        ReasoningAbility(supported=False, streams=False),
    )

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[ModelEvent]]:
        """Answer a word, call the tool, and answer another."""
        asked = request.turns[-1]
        if isinstance(asked, UserTurn):
            yield [AnswerText("Half"), ToolCall("call", asked.text, "{}")]
            yield [ModelFinished("tool_calls")]
        else:
            yield [AnswerText("whole."), ModelFinished("stop")]


def main() -> None:
    """Serve, and print the address once it can be reached."""

    def ready(_: Runtime, address: str) -> None:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()

    tools = (quick, blocking, program, stubborn)
    overrides = {"server": {"port": 0}}
    run_server(load(overrides=overrides), Choices(model=Caller(), tools=tools), ready)


if __name__ == "__main__":
    main()
