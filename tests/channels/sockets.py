"""Clients of `/ws` that validate every frame against the published schema."""

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from jsonschema import Draft202012Validator
from websockets.asyncio.client import ClientConnection, connect

from tests.harness import FixedAttachments, FixedCatalogue
from tests.server.serving import Json, Served, listening
from thinkaloud.channels.settings import WebSocketSettings
from thinkaloud.ports.authentication import Authenticator, SinglePrincipal
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.model import Model
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.tool import Tool
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.supervisor import Runs, RunServices
from thinkaloud.runtime.tools.executor import ToolExecutor
from thinkaloud.server.services import About, ServerServices
from thinkaloud.server.settings import ServerSettings
from thinkaloud.server.websocket_channel import WebSocketChannel
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.temporary import TemporaryStore
from thinkaloud.stores.uploads import MemoryUploads

CHAT_FRAMES = {
    *(
        "message",
        "user_message",
        "message_accepted",
        "progress",
        "reasoning_delta",
        "reasoning_end",
        "delta",
        "stream_end",
    ),
    *("tool_event", "model_end", "notice", "turn_end"),
}


class Client:
    """One socket."""

    def __init__(self, connection: ClientConnection, validator: Draft202012Validator) -> None:
        self.connection = connection
        self.raw: list[str] = []
        """All that came, as it stood on the wire."""
        self.ready: Json = {}
        self._validator = validator

    async def send(self, message: object) -> None:
        text = message if isinstance(message, str | bytes) else json.dumps(message)
        await self.connection.send(text)

    async def attach(self, chat_id: str, **members: Any) -> Json:
        await self.send({"type": "attach", "chat_id": chat_id, **members})
        return (await self.until("attached"))[-1]

    async def say(self, chat_id: str, content: str = "Hello", **members: Any) -> None:
        await self.send({"type": "message", "chat_id": chat_id, "content": content, **members})

    async def receive(self) -> Json:
        text = await self.connection.recv()
        assert isinstance(text, str)
        self.raw.append(text)
        frame: Json = json.loads(text)
        self._validator.validate(frame)
        if frame["event"] in CHAT_FRAMES:
            assert {"chat_id", "run_id", "seq", "at_ms"} <= frame.keys()
        return frame

    async def until(self, event: str, when: Callable[[Json], bool] = lambda _: True) -> list[Json]:
        """Read up to the first frame of this event for which `when` holds."""
        frames: list[Json] = []
        while not frames or frames[-1]["event"] != event or not when(frames[-1]):
            frames.append(await self.receive())
        return frames

    async def turn(self, chat_id: str) -> list[Json]:
        """Read up to the end of a chat's run and return the frames of that chat."""
        frames = await self.until("turn_end", lambda frame: frame["chat_id"] == chat_id)
        return [frame for frame in frames if frame.get("chat_id") == chat_id]


@asynccontextmanager
async def client(served: Served, **kwargs: Any) -> AsyncGenerator[Client]:
    """Connect, and take the `ready`."""
    document = await served.document("asyncapi")
    messages = document["channels"]["chats"]["messages"]
    given = document["operations"]["giveChats"]["messages"]
    names = {each["$ref"].rpartition("/")[2] for each in given}
    assert names <= messages.keys()
    schema = {
        "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in sorted(names)],
        "components": document["components"],
    }
    address = f"{served.url}/ws".replace("http", "ws", 1)
    async with connect(address, **kwargs) as connection:
        it = Client(connection, Draft202012Validator(schema))
        it.ready = await it.receive()
        yield it


def texts(frames: list[Json], event: str) -> str:
    """The texts of the frames of this event, joined."""
    return "".join(frame["text"] for frame in frames if frame["event"] == event)


def events(frames: list[Json]) -> list[str]:
    return [frame["event"] for frame in frames]


@asynccontextmanager
async def hosting(
    *models: Model,
    channel: WebSocketSettings | None = None,
    tools: Sequence[Tool] = (),
    limits: Limits | None = None,
    store: MemoryStore | None = None,
    bundle: Path | None = None,
    authenticator: Authenticator | None = None,
    **settings: Any,
) -> AsyncGenerator[Served]:
    """Serve these models with these settings of the page socket."""
    clock, limits = (
        SystemClock(),
        msgspec.structs.replace(limits or Limits(), drain_timeout_seconds=0),
    )
    kept = TemporaryStore(store or MemoryStore())
    catalogue = FixedCatalogue(*models)
    tool_executor = ToolExecutor(tools, limits.max_tool_result_chars)
    chosen = ServerSettings(**{"port": 0, "shutdown_seconds": 1.0, **settings})
    uploads = MemoryUploads(clock)
    means = RunServices(
        kept, catalogue, clock, tool_executor, FixedAttachments(), uploads, limits, chosen
    )
    async with Runs(means).open() as runs:
        services = ServerServices(
            runs=runs,
            catalogue=catalogue,
            store=kept,
            clock=clock,
            settings=chosen,
            about=About("9.9.9", limits=limits),
            authenticator=authenticator or SinglePrincipal(Principal("local")),
            websocket=WebSocketChannel(channel or WebSocketSettings(), clock),
            bundle=bundle or Path("nowhere"),
        )
        async with listening(services) as (server, url), aiohttp.ClientSession() as session:
            yield Served(url, services, session, server)


def check_run(frames: list[Json]) -> None:
    """One run in order: a segment opens with text, is alone, and is closed once (P2, P3)."""
    if frames[-1].get("status") == "failed":
        assert frames[-2]["event"] == "error"
    frames = [frame for frame in frames if frame["event"] != "error"]
    numbers = [frame["seq"] for frame in frames]
    assert numbers == sorted(set(numbers))
    assert events(frames).count("turn_end") == 1
    assert frames[-1]["event"] == "turn_end"
    opened: str | None = None
    closed: set[str] = set()
    for frame in frames:
        if frame["event"] in {"reasoning_delta", "delta"}:
            assert opened in {None, frame["stream_id"]}
            opened = frame["stream_id"]
            assert opened not in closed
        elif frame["event"] in {"reasoning_end", "stream_end"}:
            assert frame["stream_id"] == opened
            closed.add(frame["stream_id"])
            opened = None
        else:
            assert opened is None, f"{frame['event']} inside a segment"


async def ended(served: Served, chat_id: str) -> list[Json]:
    """The assistant's messages of a chat, by REST."""
    _, body = await served.get(f"/conversations/{chat_id}/messages?include_reasoning=true")
    return [each for each in body["messages"] if each["role"] == "assistant"]
