"""Counts the Python instructions of a server while a provider and a client exchange tokens with it.

The server runs in a thread of its own, on asyncio's event loop, which is Python code and therefore
counted; instructions of C code are not. Provider and client go in lockstep: the next token is sent
when the client has the one before, so each token is one read and one frame, in every run the same.
"""

import asyncio
import os
import re
import socket
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from benchmarks.speed import variants
from benchmarks.speed.client import Request, Stream
from benchmarks.speed.decode_and_frame import Floor
from benchmarks.speed.decode_and_frame import server as floor_server
from benchmarks.speed.processes import Process
from benchmarks.speed.provider import ANSWER, END
from benchmarks.support.counting import CallCounter, Counter
from thinkaloud.app.runtime import Choices, open_runtime
from thinkaloud.app.server import web_app
from thinkaloud.auth.settings import AuthMode
from thinkaloud.config import load
from thinkaloud.server.connections.uvicorn_server import bind, build_server

_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_DEADLINE: Final = 30.0


class LockstepProvider:
    """A provider whose tokens are sent one by one. One response at a time."""

    def __init__(self) -> None:
        self.port = 0
        self._asked: asyncio.Queue[StreamWriter] = asyncio.Queue()

    async def asked(self) -> StreamWriter:
        """Wait for a request, and return where its response goes."""
        writer = await self._asked.get()
        writer.write(_HEAD)
        return writer

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["LockstepProvider"]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                await self._asked.put(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


class Client(Stream):
    """A client that can be waited for."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._came = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._came.set()

    async def until(self, tokens: int) -> None:
        """Wait until so many tokens came."""
        while self.tokens < tokens:
            self._came.clear()
            await self._came.wait()


async def open_client(request: Request) -> Client:
    """Connect and send a request."""
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: Client(request), "127.0.0.1", request.port)
    return client


class ServedInThread:
    """A server in a thread, and the counter of that thread's instructions."""

    def __init__(self, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.process = Process(os.getpid(), port)
        self._loop = loop
        self._counter = Counter()

    async def counted(self, work: Callable[[], Awaitable[object]]) -> int:
        """Return the instructions that the server executes while some work is done."""
        return sum((await self.counted_by_file(work)).values())

    async def counted_by_file(self, work: Callable[[], Awaitable[object]]) -> dict[str, int]:
        """Return the same by the file that the instructions are in."""
        self._counter.reset()
        await self._in_thread(self._counter.switch_on)
        await work()
        spent = self._counter.by_file()
        await self._in_thread(self._counter.switch_off)
        assert spent, "this Python does not trace instructions"
        return spent

    async def calls(self, work: Callable[[], Awaitable[object]]) -> int:
        """Return how often the server calls our own functions while some work is done."""
        counter = CallCounter()
        await self._in_thread(counter.switch_on)
        await work()
        calls = counter.count
        await self._in_thread(counter.switch_off)
        return calls

    async def _in_thread(self, call: Callable[[], None]) -> None:
        done = asyncio.Event()
        here = asyncio.get_running_loop()

        def act() -> None:
            call()
            here.call_soon_threadsafe(done.set)

        self._loop.call_soon_threadsafe(act)
        await done.wait()


Serve = Callable[[Callable[[int], None], asyncio.Event], Awaitable[None]]


@asynccontextmanager
async def in_thread(serve: Serve) -> AsyncGenerator[ServedInThread]:
    """Run `serve` in a thread: it is given what to call with its port, and the event to stop at."""
    here = asyncio.get_running_loop()
    started: asyncio.Future[ServedInThread] = here.create_future()
    stops: list[Callable[[], None]] = []

    async def main() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        stops.append(lambda: loop.call_soon_threadsafe(stop.set))

        def ready(port: int) -> None:
            here.call_soon_threadsafe(started.set_result, ServedInThread(port, loop))

        await serve(ready, stop)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        async with asyncio.timeout(_DEADLINE):
            yield await started
    finally:
        for stop in stops:
            stop()
        await asyncio.to_thread(thread.join)


@asynccontextmanager
async def floor(provider: LockstepProvider) -> AsyncGenerator[ServedInThread]:
    """The decode-and-frame floor of `make bench`."""

    async def serve(ready: Callable[[int], None], stop: asyncio.Event) -> None:
        application = Floor(f"http://127.0.0.1:{provider.port}")
        server = floor_server(application, "asyncio")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(server.serve(sockets=[listener]))
                ready(listener.getsockname()[1])
                await stop.wait()
                server.should_exit = True
        await application.close()

    async with in_thread(serve) as served:
        yield served


@asynccontextmanager
async def thinkaloud(
    provider: LockstepProvider, folder: Path, mode: AuthMode = "off"
) -> AsyncGenerator[ServedInThread]:
    """The server itself, on stores in memory. With keys, it knows `variants.KEY`."""
    file = folder / "thinkaloud.toml"
    file.write_text(
        f"""
        [model]
        default = "lab/m"
        [store]
        kind = "memory"
        [server]
        port = 0
        [auth]
        mode = "{mode}"
        [tools]
        enabled = false
        [hosts.lab]
        dialect = "openai-chat"
        models = ["m"]
        base_url = "http://127.0.0.1:{provider.port}/lab"
        """,
        encoding="utf-8",
    )
    configuration = load(file, environment={"THINKALOUD_DATA_DIR": str(folder)})

    async def serve(ready: Callable[[int], None], stop: asyncio.Event) -> None:
        settings = configuration.settings.server
        started = asyncio.Event()
        async with open_runtime(configuration, Choices()) as runtime:
            access = await variants.access_with_key(configuration.settings.auth, runtime.clock)
            with bind(settings) as listener:
                app = web_app(runtime, access=access)
                server = build_server(app, settings, started.set)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(server.serve(sockets=[listener]))
                    await started.wait()
                    ready(listener.getsockname()[1])
                    await stop.wait()
                    server.stop()

    async with in_thread(serve) as served:
        yield served


WIRES: Final = ("sse", "websocket")
KEYED: Final = ("sse with a key", "websocket with a key")
"""The same wires, for clients that send a key."""
OTHER_WIRES: Final = {
    "chat-completions": variants.chat_completions,
    "anthropic-messages": variants.anthropic_messages,
    "responses": variants.responses,
    "ollama": variants.ollama,
    "ai-sdk": variants.ai_sdk,
    "ag-ui": variants.ag_ui,
}
"""Wires of the server that the floor doesn't have."""


class Setting:
    """The floor and the server, on one provider."""

    def __init__(
        self, provider: LockstepProvider, floor: ServedInThread, ours: ServedInThread
    ) -> None:
        self.provider = provider
        self.floor = floor
        self.ours = ours

    def request(self, served: ServedInThread, wire: str) -> Request:
        """Return the request for a response on a wire."""
        if wire in KEYED:
            return variants.with_keys(served.process)[KEYED.index(wire)].request("lab")
        if wire in OTHER_WIRES:
            return OTHER_WIRES[wire](served.process).request("lab")
        offered = variants.floor if served is self.floor else variants.thinkaloud
        return offered(served.process)[WIRES.index(wire)].request("lab")


@asynccontextmanager
async def open_setting(folder: Path) -> AsyncGenerator[Setting]:
    """Start the floor and the server; what they import and connect to first is done then."""
    async with (
        LockstepProvider().open() as provider,
        floor(provider) as below,
        thinkaloud(provider, folder) as ours,
    ):
        setting = Setting(provider, below, ours)
        for served in (below, ours):
            for wire in WIRES:
                await a_run(setting, served, wire)
        yield setting


async def started_run(setting: Setting, served: ServedInThread, wire: str) -> "Run":
    """Start a run with one client."""
    run = Run(setting, await open_client(setting.request(served, wire)))
    await run.start()
    return run


async def a_run(setting: Setting, served: ServedInThread, wire: str) -> None:
    """Stream two tokens and end."""
    run = await started_run(setting, served, wire)
    await run.exchange(2)
    await run.end()


class Run:
    """A run whose tokens are exchanged one by one."""

    def __init__(self, setting: Setting, *clients: Client) -> None:
        self._provider = setting.provider
        self.clients = [*clients]
        self._tokens = 0

    async def start(self) -> None:
        """Wait until the provider was asked."""
        self._writer = await self._provider.asked()

    async def exchange(self, tokens: int) -> None:
        """Send tokens one by one; each after all clients have the one before."""
        for _ in range(tokens):
            self._writer.write(ANSWER)
            self._tokens += 1
            for client in self.clients:
                await client.until(self._tokens)

    async def burst(self, tokens: int) -> None:
        """Send tokens at once, and wait until all clients have them."""
        self._writer.write(ANSWER * tokens)
        self._tokens += tokens
        for client in self.clients:
            await client.until(self._tokens)

    async def end(self) -> None:
        """End the response, and wait until all clients have the end."""
        self._writer.write(END)
        for client in self.clients:
            await client.ended
