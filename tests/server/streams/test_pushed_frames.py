"""Frames that are written straight to a connection while the model pauses between tokens."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import Message

from tests.runtime.log.test_pushing import Script
from tests.server.raw import HOST, TEXT, Raw, frame, raw, raw_socket
from tests.server.serving import Served, serving
from thinkaloud.events.model import ModelEvent
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.testing import say, think

Next = Callable[[], Any]
HIGH_WATER = 65_536
_END = re.compile(rb'event: complete|"event":"turn_end"')
NO_LIMIT = Limits(max_response_chars=10**9)


@asynccontextmanager
async def frames_by(protocol: str, served: Served) -> AsyncGenerator[Next]:
    """Ask for an answer, and return what reads the next frame."""
    body = {"text": "Hi", "conversation_id": "c", "include_reasoning": True}
    if protocol == "sse":
        async with served.events("POST", "/chat/stream-sse", json=body) as stream:
            yield stream.__anext__
    elif protocol == "socket":
        async with served.socket(max_size=None) as connection:
            await connection.send(body)
            yield connection.receive
    else:
        url = f"{served.url}/ws".replace("http", "ws", 1)
        async with served.session.ws_connect(url, max_msg_size=0) as page:
            message = {"type": "message", "chat_id": "c", "content": "Hi"}
            await page.send_json({**message, "include_reasoning": True})
            yield page.receive_json


def text_of(frame: dict[str, Any]) -> str:
    data: dict[str, Any] = frame.get("data", frame)
    return str(data.get("token") or (data.get("text") if "delta" in frame["event"] else "") or "")


@pytest.mark.promise("P4", "P9")
@pytest.mark.parametrize("protocol", ["sse", "socket", "page"])
async def test_each_token_arrives_before_the_model_sends_the_next(protocol: str) -> None:
    # Frames of all lengths around which the header of a WebSocket frame changes.
    sizes = [*range(1, 40), *range(65_350, 65_450)]
    # Text that SSE escapes, which must not end an event.
    words = ["Hm", "🙂\u2028\u0085\n\ndata: y", *("x" * size for size in sizes), "end"]
    batches: list[list[ModelEvent]] = [think(words[0]), *([event] for event in say(*words[1:]))]
    script = Script(*batches)
    async with (
        serving(script.model, limits=NO_LIMIT) as served,
        frames_by(protocol, served) as receive,
    ):
        async with asyncio.timeout(20):
            for word in words:
                await script.send()
                while not (text := text_of(await receive())):
                    pass
                assert text == word


@pytest.mark.promise("P9", "P14")
@pytest.mark.parametrize("protocol", ["sse", "page"])
async def test_a_slow_reader_gets_everything_and_the_server_buffers_little(protocol: str) -> None:
    piece = "x" * 60_000
    script = Script(*([event] for event in say(*[piece] * 250)))
    async with serving(script.model, limits=NO_LIMIT) as served, silent(protocol, served) as client:
        buffered = 0
        while not script.is_over:
            await script.send()
            sizes = [each.transport.get_write_buffer_size() for each in connections(served)]
            buffered = max(buffered, *sizes)
        assert HIGH_WATER < buffered < 2 * HIGH_WATER + len(piece)
        read = await until_end(client)
    assert sum(map(len, re.findall(rb"x{100,}", read))) == 250 * len(piece)


@pytest.mark.promise("P9")
@pytest.mark.parametrize("protocol", ["sse", "page"])
async def test_a_run_continues_when_its_client_leaves_in_the_middle_of_a_push(
    protocol: str,
) -> None:
    words = [f"word{number} " for number in range(12)]
    script = Script(*([event] for event in say(*words)))
    async with serving(script.model) as served:
        async with silent(protocol, served) as client:
            for _ in range(4):
                await script.send()
            client.writer.transport.abort()
        await script.send()
        (run_id,) = served.runs.active.in_conversation("local", "c")
        path = f"/runs/{run_id}/events?after=4"
        async with served.events("GET", path) as stream:
            await script.send_all()
            frames = [frame async for frame in stream]
    # 1 and 2 start the run; 3 and 4 are its first two words.
    assert "".join(map(text_of, frames)) == "".join(words[2:])
    assert frames[-1]["event"] == "complete"
    assert frames[-1]["data"]["response"] == "".join(words)


async def test_frames_reach_a_client_of_another_server_too() -> None:
    script = Script(say("a"), say("b"))
    async with serving(script.model) as served:
        body = b'{"text":"Hi","conversation_id":"c"}'
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/v1/chat/stream-sse",
            "raw_path": b"/api/v1/chat/stream-sse",
            "query_string": b"",
            "scheme": "http",
            "http_version": "1.1",
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        }
        requests = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[bytes] = []

        async def receive() -> Message:
            if not requests:
                await asyncio.Event().wait()
            return requests.pop()

        async def send(message: Message) -> None:
            sent.append(message.get("body", b""))

        app = served.server.config.app
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(app(scope, receive, send))  # type: ignore[operator]
            for letter in (b"a", b"b"):
                while not served.runs.active.in_conversation("local", "c"):
                    await asyncio.sleep(0)
                await script.send()
                assert b'{"token":"%b"' % letter in b"".join(sent)
            await task


def connections(served: Served) -> list[Any]:
    return list(served.server.server_state.connections)


@asynccontextmanager
async def silent(protocol: str, served: Served) -> AsyncGenerator[Raw]:
    """A client that sends a message and reads nothing, until the test reads."""
    body = b'{"text":"Hi","conversation_id":"c"}'
    if protocol == "page":
        async with raw_socket(served) as client:
            message = b'{"type":"message","chat_id":"c","content":"Hi"}'
            await client.send(frame(TEXT, message))
            await started(served)
            yield client
    else:
        async with raw(served) as client:
            await client.send(
                b"POST /api/v1/chat/stream-sse HTTP/1.1\r\n%sContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (HOST, len(body), body)
            )
            await started(served)
            yield client


async def started(served: Served) -> None:
    async with asyncio.timeout(20):
        while not served.runs.active.in_conversation("local", "c"):
            await asyncio.sleep(0)


async def until_end(client: Raw) -> bytes:
    """Read up to the run's terminal frame."""
    whole = bytearray()
    looked = 0
    async with asyncio.timeout(20):
        while not (end := _END.search(whole, looked)):
            looked = max(0, len(whole) - 30)
            whole += await client.reader.read(2**20)
    return bytes(whole[: end.start()])
