"""Runs the commands of a test, one JSON line each, and answers with one line each."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Command = Callable[..., Awaitable[Any]]


async def serve(commands: Mapping[str, Command]) -> None:
    """Execute commands until standard input ends. What a command raises is its answer."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked: dict[str, Any] = json.loads(line)
        try:
            answer = {"result": await commands[asked.pop("command")](**asked)}
        except Exception as error:  # noqa: BLE001 - the test asserts on it
            answer = {"result": {"error": type(error).__name__, "message": str(error)[:1_000]}}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
