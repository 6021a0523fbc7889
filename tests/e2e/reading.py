"""A client that records a run and resumes after its last number."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.e2e.server_process import Json, ServerProcess
from tests.e2e.upstream import DEADLINE

TERMINAL = frozenset({"complete", "error"})


class Refused(Exception):
    """The server gave a reason instead of a stream."""


class Reader:
    """What one client received of a run, over all its connections."""

    def __init__(self, transport: str = "sse") -> None:
        self.transport = transport
        self.run_id = ""
        self.conversation_id = ""
        self.cursor = 0
        self.frames: list[Json] = []
        self.snapshots: list[Json] = []
        self.reasoning = ""
        self.answer = ""
        self.marks: dict[int, tuple[str, int, int]] = {}
        """By number: the event, and how much of reasoning and answer there was with it."""

    @property
    def characters(self) -> int:
        return len(self.reasoning) + len(self.answer)

    @property
    def end(self) -> Json | None:
        """The terminal event."""
        last = self.frames[-1] if self.frames else None
        return last if last is not None and last["event"] in TERMINAL else None

    def take(self, frame: Json) -> None:
        """Take the next frame. Each has a number of its own, above all before it."""
        assert self.end is None, "something came after the end"
        if frame["seq"] is None:
            raise Refused(frame["data"]["message"])
        if frame["event"] == "snapshot":
            # It replaces everything before, and the end may have its number.
            assert frame["seq"] >= self.cursor
            self.snapshots.append(frame)
            message = frame["data"]["messages"][-1]
            self.reasoning, self.answer = message["reasoning"], message["text"]
            self.cursor = frame["seq"] - 1
            return
        assert frame["seq"] > self.cursor, "a number came twice"
        self.cursor = frame["seq"]
        self.frames.append(frame)
        match frame["event"]:
            case "start":
                self.run_id = frame["data"]["run_id"]
                self.conversation_id = frame["data"]["conversation_id"]
            case "reasoning":
                self.reasoning += frame["data"]["token"]
            case "token":
                self.answer += frame["data"]["token"]
            case _:
                pass
        self.marks[frame["seq"]] = (frame["event"], len(self.reasoning), len(self.answer))

    async def begin(
        self, served: ServerProcess, text: str, until: Callable[[], bool] | None = None, **more: Any
    ) -> None:
        """Send a message and read until this holds, or to the end; then leave."""
        body = {"text": text, "include_reasoning": True, **more}
        async with _started(served, self.transport, body) as frames:
            await self._read(frames, until)

    async def resume(self, served: ServerProcess, until: Callable[[], bool] | None = None) -> None:
        """Come back with the last number and read until this holds, or to the end; then leave."""
        async with _resumed(served, self) as frames:
            await self._read(frames, until)

    async def _read(self, frames: AsyncGenerator[Json], until: Callable[[], bool] | None) -> None:
        async with asyncio.timeout(DEADLINE):
            async for frame in frames:
                self.take(frame)
                if self.end is not None or (until is not None and until()):
                    return
        raise ConnectionResetError("the stream was cut off")


@asynccontextmanager
async def _started(
    served: ServerProcess, transport: str, body: Json
) -> AsyncGenerator[AsyncGenerator[Json]]:
    if transport == "sse":
        async with served.session.post(f"{served.api}/chat/stream-sse", json=body) as response:
            yield _events(response)
            response.close()
        return
    async with served.socket() as socket:
        await socket.send_json(body)
        yield _messages(socket)


@asynccontextmanager
async def _resumed(served: ServerProcess, reader: Reader) -> AsyncGenerator[AsyncGenerator[Json]]:
    if reader.transport == "sse":
        url = f"{served.api}/runs/{reader.run_id}/events?include_reasoning=true"
        last = {"Last-Event-ID": str(reader.cursor)}
        async with served.session.get(url, headers=last) as response:
            yield _events(response)
            response.close()
        return
    command = {"type": "resume", "run_id": reader.run_id, "after": reader.cursor}
    async with served.socket() as socket:
        await socket.send_json({**command, "include_reasoning": True})
        yield _messages(socket)


async def _events(response: aiohttp.ClientResponse) -> AsyncGenerator[Json]:
    if response.status != 200:
        raise Refused(await response.text())
    buffer = b""
    async for data in response.content.iter_any():
        *whole, buffer = (buffer + data).split(b"\n\n")
        for frame in whole:
            if parsed := parse(frame):
                yield parsed


async def _messages(socket: aiohttp.ClientWebSocketResponse) -> AsyncGenerator[Json]:
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.TEXT:
            return
        yield json.loads(message.data)


def parse(event: bytes) -> Json | None:
    """Return a Server-Sent Event in the socket's format; None for a comment."""
    fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if line[:1] not in b":")
    if not fields:
        return None
    name, data = fields[b"event"].decode(), json.loads(fields[b"data"])
    number = fields.get(b"id")
    return {"event": name, "data": data, "seq": None if number is None else int(number)}
