"""An editor: the Agent Client Protocol's Python library, connected to an agent in this process."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import acp

from tests.server.serving import Served
from thinkaloud.app.runtime import Choices, open_runtime
from thinkaloud.app.server_address import ServerAddress
from thinkaloud.cli.acp.agent import Agent, open_agent
from thinkaloud.cli.backend.api import Api
from thinkaloud.cli.backend.backend import Backend
from thinkaloud.cli.backend.local import LocalBackend
from thinkaloud.cli.backend.remote import RemoteBackend
from thinkaloud.config import load
from thinkaloud.ports.model import Model
from thinkaloud.stores.memory import MemoryStore

Json = dict[str, Any]


class Editor(acp.Client):
    """Shows what the agent sends: `updates` has every update as JSON."""

    def __init__(self) -> None:
        self.updates: list[Json] = []
        self._wanted: tuple[str, asyncio.Event] | None = None
        self.agent: Any = None

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        shown = update.model_dump(mode="json", by_alias=True, exclude_none=True)
        self.updates.append({"sessionId": session_id, **shown})
        if self._wanted is not None and self._wanted[0] == shown["sessionUpdate"]:
            self._wanted[1].set()

    async def until(self, kind: str) -> None:
        """Wait for an update of this kind."""
        self._wanted = (kind, asyncio.Event())
        if not self.shown(kind):
            await self._wanted[1].wait()

    def shown(self, kind: str) -> list[Json]:
        return [each for each in self.updates if each["sessionUpdate"] == kind]

    def text(self, kind: str) -> str:
        return "".join(each["content"]["text"] for each in self.shown(kind))

    async def open(self) -> str:
        """Initialize the connection and return the id of a new session."""
        await self.agent.initialize(protocol_version=1)
        return (await self.agent.new_session(cwd="/", mcp_servers=[])).session_id

    async def ask(self, session_id: str, *prompt: Any) -> Any:
        blocks = [acp.text_block(each) if isinstance(each, str) else each for each in prompt]
        return await self.agent.prompt(session_id=session_id, prompt=blocks)


class _StreamOutput:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


@asynccontextmanager
async def editing(backend: Backend) -> AsyncGenerator[Editor]:
    """Connect an editor with an agent."""
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=here)
    agent_reader, agent_writer = await asyncio.open_connection(sock=there, limit=2**26)
    editor = Editor()
    async with open_agent(backend, _StreamOutput(agent_writer)) as agent:
        feeding = asyncio.create_task(_feed(agent, agent_reader))
        editor.agent = acp.connect_to_agent(editor, writer, reader, use_unstable_protocol=True)
        try:
            yield editor
        finally:
            await editor.agent.close()
            writer.close()
            await feeding
            for each in (writer, agent_writer):
                each.close()
                with contextlib.suppress(ConnectionError):
                    await each.wait_closed()


async def _feed(agent: Agent, reader: asyncio.StreamReader) -> None:
    while line := await reader.readline():
        await agent.receive(line)


@asynccontextmanager
async def local(model: Model, folder: Path) -> AsyncGenerator[Backend]:
    """Run a model in this process."""
    choices = Choices(model=model, store=MemoryStore())
    async with open_runtime(_configuration(folder), choices) as runtime:
        yield LocalBackend(runtime, is_persistent=False)


def remote(served: Served, folder: Path) -> Backend:
    """Use a server."""
    api = Api(served.session, ServerAddress(served.url))
    return RemoteBackend(api, _configuration(folder))


def _configuration(folder: Path) -> Any:
    return load(None, environment={"THINKALOUD_DATA_DIR": str(folder)})


class Lines:
    """An output that keeps what is written."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        for line in data.splitlines():
            self._lines.put_nowait(line)

    async def read(self) -> Json:
        answer: Json = json.loads(await self._lines.get())
        return answer
