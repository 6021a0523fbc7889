"""A model provider on loopback that sends the exact bytes a test asks for, well-formed or not."""

import asyncio
import contextlib
import fcntl
import re
import socket
import struct
import termios
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

from aiohttp import web

End = Literal["end", "cut", "stall", "endless"]
_MARK = re.compile(rb"mark-\w+")


class Answer(NamedTuple):
    """One HTTP response. Each chunk is a write of its own, and a chunk of the transfer."""

    chunks: Sequence[bytes] = ()
    content_type: str = "text/event-stream"
    status: int = 200
    headers: Mapping[str, str] = {}
    end: End = "end"
    """How it ends: `end` as HTTP ends it, `cut` with the connection reset, `stall` not at all
    until the client hangs up, `endless` by saying the last chunk again until then."""


class Provider:
    """Answers by name, one after the other for requests with the same mark; the last one again.

    A request's mark is the first `mark-…` in its body, so that each run starts from scratch.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[str, bytes]] = []
        """The name and body of every request."""
        self.hung_up = threading.Semaphore(0)
        """Released each time a client leaves a response before its end."""
        self._answers: dict[str, Sequence[Answer]] = {}
        self._calls: Counter[tuple[str, bytes]] = Counter()

    def offer(self, name: str, *answers: Answer) -> str:
        """Answer requests of this name so; return the base URL to ask at."""
        self._answers[name] = answers
        return f"http://127.0.0.1:{self.port}/{name}"

    def requests(self, name: str, mark: str) -> list[bytes]:
        """Return the bodies of the requests of this name with this mark."""
        return [body for to, body in self.asked if to == name and mark.encode() in body]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        body = await request.read()
        found = _MARK.search(body)
        key = (name, found.group() if found else b"")
        self.asked.append((name, body))
        answers = self._answers[name]
        answer = answers[min(self._calls[key], len(answers) - 1)]
        self._calls[key] += 1
        headers = {"Content-Type": answer.content_type, **answer.headers}
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.enable_chunked_encoding()
        try:
            await response.prepare(request)
            for chunk in answer.chunks:
                await response.write(chunk)
            while answer.end == "endless":
                await response.write(answer.chunks[-1])
            if answer.end == "stall":
                await asyncio.Event().wait()
        except (asyncio.CancelledError, ConnectionError):
            self.hung_up.release()
            raise
        if answer.end == "cut":
            await _reset(request)
        return response


async def _reset(request: web.Request) -> None:
    """Reset the connection, once the client has read what was written."""
    transport = request.transport
    assert transport is not None
    held: socket.socket = transport.get_extra_info("socket")
    while unread(held):
        await asyncio.sleep(0)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def unread(held: socket.socket) -> int:
    """Return how many bytes the other side has not acknowledged (Linux); 0 where unknown."""

    with contextlib.suppress(OSError):
        return struct.unpack("i", fcntl.ioctl(held, termios.TIOCOUTQ, b"\0" * 4))[0]
    return 0


@contextmanager
def provider() -> Iterator[Provider]:
    """Run a provider on a free port, in a thread of its own, for the length of a block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = Provider(listener.getsockname()[1])
        started = threading.Event()
        loop = asyncio.new_event_loop()
        over = asyncio.Event()

        async def serve() -> None:
            app = web.Application(client_max_size=2**26)
            app.router.add_post("/{name}/{rest:.*}", served._handle)
            runner = web.AppRunner(
                app, handler_cancellation=True, access_log=None, shutdown_timeout=0
            )
            await runner.setup()
            await web.SockSite(runner, listener).start()
            started.set()
            await over.wait()
            await runner.cleanup()

        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
        thread.start()
        started.wait()
        try:
            yield served
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join()
            loop.close()
