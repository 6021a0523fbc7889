"""A client in a process of its own, which a test gives commands to."""

import asyncio
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.server.serving import Json


class ClientProcess:
    """A process that answers each line of JSON with one. It runs until `close`."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    async def do(self, command: str, **argument: Any) -> Any:
        """Run a command and return its result. Fails with what the client threw."""
        return await asyncio.to_thread(self._do, {"command": command, **argument})

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _do(self, command: Json) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the client ended: its standard error says why"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["result"]
