"""A relay between an example and its server that cuts the connection or switches servers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

_HEAD_END = b"\r\n\r\n"
_RETRY = b"b\r\nretry: 10\n\n\r\n"
"""A chunk of an event stream that makes the client reconnect after 10 ms, not after its default of seconds."""


class Relay:
    """Relays to `target`, cuts each connection after the bytes in `cuts`, and shortens reconnect delays."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.target = ""
        self.cuts: list[bytes] = []
        self.cut = asyncio.Event()
        """Set at each cut; cleared by the code that waits for the next one."""
        self.open = asyncio.Event()
        """While it is not set, connections wait."""
        self.open.set()
        self.requests: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection."""
        await self.open.wait()
        port = int(self.target.rpartition(":")[2])
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        up = asyncio.create_task(self._upwards(reader, inner_writer))
        try:
            seen = b""
            while data := await inner_reader.read(65_536):
                writer.write(_with_retry(seen, data))
                seen += data
                await writer.drain()
                if self.cuts and self.cuts[0] in seen:
                    del self.cuts[0]
                    self.open.clear()
                    self.cut.set()
                    break
        finally:
            up.cancel()
            with suppress(asyncio.CancelledError):
                await up
            writer.close()
            inner_writer.close()

    async def _upwards(self, reader: asyncio.StreamReader, inner: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            self.requests.append(data)
            inner.write(data)


def _with_retry(before: bytes, data: bytes) -> bytes:
    """Insert the retry delay if the head of a chunked event stream ends in `data`."""
    head, found, rest = (before + data).partition(_HEAD_END)
    if _HEAD_END in before or not found or b"text/event-stream" not in head.lower():
        return data
    assert b"transfer-encoding: chunked" in head.lower()
    return (head + found)[len(before) :] + _RETRY + rest


@asynccontextmanager
async def relaying() -> AsyncGenerator[Relay]:
    """Open a relay on a free port."""
    relays: list[Relay] = []
    serving: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(relays[0].serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as listener:
        host, port = listener.sockets[0].getsockname()
        relays.append(Relay(f"http://{host}:{port}"))
        yield relays[0]
        listener.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
