"""A real server in the test's event loop, on a free loopback port, and a client for each transport."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect

from tests.harness import FixedAttachments, FixedCatalogue
from thinkaloud.auth.access import Access
from thinkaloud.core.redaction.redaction import Redaction
from thinkaloud.core.redaction.redactor import Redactor
from thinkaloud.ports.attachments import Attachments
from thinkaloud.ports.authentication import Authenticator, SinglePrincipal
from thinkaloud.ports.clock import Clock, SystemClock
from thinkaloud.ports.model import Model
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.protocols.records import ProtocolRecords
from thinkaloud.ports.store import Store
from thinkaloud.ports.tool import Tool
from thinkaloud.ports.uploads import Uploads
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.supervisor import Runs, RunServices
from thinkaloud.runtime.tools.executor import ToolExecutor
from thinkaloud.server.app import AgentApp, create_app
from thinkaloud.server.connections.uvicorn_server import AgentServer, address, bind, build_server
from thinkaloud.server.services import About, ServerServices
from thinkaloud.server.settings import ServerSettings
from thinkaloud.server.wire_settings import WireSettings
from thinkaloud.stores.keys import MemoryKeyStore
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.protocol_records import MemoryProtocolRecords
from thinkaloud.stores.temporary import TemporaryStore
from thinkaloud.stores.uploads import MemoryUploads

Json = dict[str, Any]
TRANSPORTS = ["rest", "sse", "socket"]


class Served:
    """A server that can be reached, and what stands behind it."""

    def __init__(
        self,
        url: str,
        services: ServerServices,
        session: aiohttp.ClientSession,
        server: AgentServer,
    ) -> None:
        self.url = url
        self.server = server
        self.api = f"{url}/api/v1"
        self.socket_url = f"{self.api}/chat/stream".replace("http", "ws", 1)
        self.services = services
        self.runs = services.runs
        self.session = session
        self._documents: dict[str, Json] = {}

    @property
    def app(self) -> AgentApp:
        """The application that it serves."""
        app = self.server.config.app
        assert isinstance(app, AgentApp)
        return app

    async def get(self, path: str, **kwargs: Any) -> tuple[int, Any]:
        """GET a path below /api/v1 and return status and JSON."""
        async with self.session.get(self.api + path, **kwargs) as response:
            return response.status, await response.json(content_type=None)

    async def post(self, path: str, body: object = None, **kwargs: Any) -> tuple[int, Any]:
        """POST JSON to a path below /api/v1 and return status and JSON."""
        given = {"json": body} if body is not None else {}
        async with self.session.post(self.api + path, **given, **kwargs) as response:
            return response.status, await response.json(content_type=None)

    async def document(self, name: str) -> Json:
        """The published document `openapi` or `asyncapi`."""
        if name not in self._documents:
            async with self.session.get(f"{self.url}/api/{name}.json") as response:
                self._documents[name] = await response.json()
        return self._documents[name]

    @asynccontextmanager
    async def socket(self, **kwargs: Any) -> AsyncGenerator["Socket"]:
        """Open a chat socket whose every frame is held against the published schema."""
        document = await self.document("asyncapi")
        async with connect(self.socket_url, **kwargs) as connection:
            yield Socket(connection, document)

    @asynccontextmanager
    async def events(
        self, method: str, path: str, **kwargs: Any
    ) -> AsyncGenerator[AsyncIterator["Json"]]:
        """Open an event stream and read its frames as those of the socket, with `seq` from the id."""
        document = await self.document("openapi")
        async with self.session.request(method, self.api + path, **kwargs) as response:
            assert response.status == 200, await response.text()
            assert response.headers["Content-Type"].startswith("text/event-stream")
            yield parsed_events(response, document)


class Socket:
    """A chat socket."""

    def __init__(self, connection: ClientConnection, document: Json) -> None:
        self.connection = connection
        self._document = document

    async def send(self, message: object) -> None:
        text = message if isinstance(message, str | bytes) else json.dumps(message)
        await self.connection.send(text)

    async def receive(self) -> Json:
        text = await self.connection.recv()
        assert isinstance(text, str)
        frame: Json = json.loads(text)
        messages = self._document["components"]["messages"]
        (channel,) = [
            channel
            for channel in self._document["channels"].values()
            if channel["address"] == "/api/v1/chat/stream"
        ]
        names = {
            messages[name]["name"]: messages[name]["payload"]["$ref"]
            for name in channel["messages"]
        }
        assert list(frame) == ["event", "data", "seq", "run_id"]
        valid(frame, {"$ref": names[frame["event"]]}, self._document)
        return frame

    async def until_end(self) -> list[Json]:
        """Read up to the next terminal frame of a run."""
        frames: list[Json] = []
        while not frames or not terminal(frames[-1]):
            frames.append(await self.receive())
        return frames


def terminal(frame: Json) -> bool:
    """Whether this frame ends a run."""
    if frame["event"] == "error":
        return frame["data"].get("run_id") is not None
    return frame["event"] == "complete"


def valid(value: object, schema: Json, document: Json) -> None:
    """Hold a value against a schema of a published document."""
    whole = {**schema, "components": document["components"]}
    Draft202012Validator(whole).validate(value)


async def parsed_events(response: aiohttp.ClientResponse, document: Json) -> AsyncGenerator[Json]:
    """The events of a stream, each held against the published schema."""
    operation = document["paths"]["/api/v1/chat/stream-sse"]["post"]
    item = operation["responses"]["200"]["content"]["text/event-stream"]["itemSchema"]
    by_event = {each["properties"]["event"]["const"]: each for each in item["oneOf"]}
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().removesuffix("\n")
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            assert name not in fields, "an event has a field twice"
            fields[name] = value
            continue
        if not fields:
            continue
        valid(fields, item, document)
        data = json.loads(fields["data"])
        valid(data, by_event[fields["event"]]["properties"]["data"]["contentSchema"], document)
        yield {
            "event": fields["event"],
            "data": data,
            "seq": int(fields["id"]) if "id" in fields else None,
        }
        fields = {}


class Exchange:
    """The response to one message: its frames, if any, and how it ended."""

    def __init__(self, frames: Sequence[Json], complete: Json | None, error: Json | None) -> None:
        self.frames = frames
        self.complete = complete
        self.error = error

    def texts(self, event: str) -> str:
        return "".join(f["data"]["token"] for f in self.frames if f["event"] == event)

    def named(self, event: str) -> list[Json]:
        return [frame["data"] for frame in self.frames if frame["event"] == event]


async def exchange_over(transport: str, served: Served, **body: Any) -> Exchange:
    """Send a message over one transport and return the response."""
    body = {"text": "Hello", **body}
    if transport == "rest":
        status, answer = await served.post("/chat/message", body)
        return Exchange([], answer, None) if status == 200 else Exchange([], None, answer)
    if transport == "socket":
        async with served.socket() as socket:
            await socket.send(body)
            frames = await socket.until_end()
    else:
        async with served.events("POST", "/chat/stream-sse", json=body) as stream:
            frames = [frame async for frame in stream]
    last = frames[-1]
    assert [terminal(frame) for frame in frames] == [False] * (len(frames) - 1) + [True]
    if last["event"] == "complete":
        return Exchange(frames, last["data"], None)
    return Exchange(frames, None, last["data"])


@asynccontextmanager
async def serving(
    *models: Model,
    tools: Sequence[Tool] = (),
    limits: Limits | None = None,
    about: About | None = None,
    attachments: Attachments | None = None,
    uploads: Uploads | None = None,
    catalogue: FixedCatalogue | None = None,
    store: Store | None = None,
    drain: float = 0.0,
    clock: Clock | None = None,
    extend: Callable[[Starlette, ServerServices], None] | None = None,
    authenticator: Authenticator | None = None,
    access: Access | None = None,
    wires: WireSettings | None = None,
    records: ProtocolRecords | None = None,
    redaction: Redaction | None = None,
    **settings: Any,
) -> AsyncGenerator[Served]:
    """Serve these models; the first is the current one. `extend` adds routes of its own."""
    limits = msgspec.structs.replace(limits or Limits(), drain_timeout_seconds=drain)
    clock = clock or SystemClock()
    uploads = uploads or MemoryUploads(clock)
    chosen = ServerSettings(**{"port": 0, "shutdown_seconds": 1.0, **settings})
    services = RunServices(
        store=TemporaryStore(store or MemoryStore()),
        catalogue=catalogue or FixedCatalogue(*models),
        clock=clock,
        tool_executor=ToolExecutor(tools, limits.max_tool_result_chars),
        attachments=attachments or FixedAttachments(),
        uploads=uploads,
        limits=limits,
        admission=chosen,
        reasoning=chosen.show_reasoning,
        redaction=redaction or Redaction(Redactor()),
    )
    async with Runs(services).open() as runs:
        keys = access or Access(MemoryKeyStore(), services.clock)
        given = ServerServices(
            runs=runs,
            catalogue=services.catalogue,
            store=services.store,
            clock=services.clock,
            settings=chosen,
            about=about or About("9.9.9", limits=limits),
            authenticator=authenticator or SinglePrincipal(Principal("local")),
            uploads=uploads,
            access=keys,
            wires=wires or WireSettings(),
            records=records or MemoryProtocolRecords(),
        )
        async with listening(given, extend) as server_and_url:
            server, url = server_and_url
            async with aiohttp.ClientSession(read_bufsize=2**26) as session:
                yield Served(url, given, session, server)


@asynccontextmanager
async def listening(
    services: ServerServices, extend: Callable[[Starlette, ServerServices], None] | None = None
) -> AsyncGenerator[tuple[AgentServer, str]]:
    """Run the server until the block is left."""
    started = asyncio.Event()
    app = create_app(services)
    if extend is not None:
        extend(app, services)
    with bind(services.settings) as listener:
        server = build_server(app, services.settings, started.set)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(server.serve(sockets=[listener]))
            await started.wait()
            try:
                yield server, address(listener)
            finally:
                server.stop()
                await task
