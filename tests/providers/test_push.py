"""A pushed response is decoded where it is read from the socket, without a task switch."""

import asyncio
import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import web

from tests.providers.upstream import (
    END,
    THOUGHT_AND_ANSWER,
    collect_events,
    lab,
    models_of,
    serving,
    streaming,
    texts,
)
from thinkaloud.events.model import AnswerText, ModelEvent, ModelFinished
from thinkaloud.events.prompt import ModelRequest, UserTurn
from thinkaloud.ports.model import Model, PushModel
from thinkaloud.providers.dialects.openai_chat.wire import decode_chunk

REQUEST = ModelRequest("m", (UserTurn("Hi"),))


def delta(text: str) -> bytes:
    event = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % text.encode()
    assert decode_chunk(event[6:])
    return event


def pushing(model: Model) -> PushModel:
    assert isinstance(model, PushModel)
    return model


class Paced:
    """A provider that sends one delta whenever the test lets it."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self.next = asyncio.Semaphore(0)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for word in self._words:
            await self.next.acquire()
            await response.write(delta(word))
        await response.write(END)
        return response


async def test_no_task_is_woken_between_the_socket_and_the_event_consumer(
    tmp_path: Path,
) -> None:
    paced = Paced("a", "b", "c")
    tasks: list[object] = []

    def take(batch: Sequence[ModelEvent]) -> bool:
        if any(isinstance(event, AnswerText) for event in batch):
            tasks.append(asyncio.current_task())
            paced.next.release()
        return True

    async with serving(paced.answer) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        paced.next.release()
        await pushing(models.open("lab/m")).push(REQUEST, take)
    # The first one may have arrived together with the headers, which a task waits for.
    assert tasks[1:] == [None, None]


async def test_a_consumer_that_stops_ends_the_call_and_its_connection(tmp_path: Path) -> None:
    async def forever(request: web.Request) -> None:
        await asyncio.Event().wait()

    endless = streaming(THOUGHT_AND_ANSWER, then=forever)
    taken: list[ModelEvent] = []

    def take(batch: Sequence[ModelEvent]) -> bool:
        taken.extend(batch)
        return len(texts(taken)[1]) == 0

    async with serving(endless) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        async with asyncio.timeout(20):
            await pushing(models.open("lab/m")).push(REQUEST, take)
            await upstream.left.wait()
    assert texts(taken) == ("Hm. ", "Yes.")


async def test_an_exception_of_the_consumer_is_raised_by_the_call(tmp_path: Path) -> None:
    paced = Paced("a", "b")

    def take(batch: Sequence[ModelEvent]) -> bool:
        raise ZeroDivisionError

    async with serving(paced.answer) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        paced.next.release()
        with pytest.raises(ZeroDivisionError):
            await pushing(models.open("lab/m")).push(REQUEST, take)
        async with asyncio.timeout(20):
            await upstream.left.wait()


async def test_nothing_is_delivered_after_the_call_was_cancelled(tmp_path: Path) -> None:
    waits = asyncio.Event()
    batches: list[int] = []
    calls: list[asyncio.Task[None]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        gzipped = zlib.compressobj(wbits=31)
        first = gzipped.compress(delta("first "))
        await response.write(first + gzipped.flush(zlib.Z_SYNC_FLUSH))
        await waits.wait()
        # aiohttp pauses in the middle of this, so that one read of the socket gives several.
        await response.write(gzipped.compress(b"".join(map(delta, ["word "] * 20_000))))
        await response.write(gzipped.flush())
        return response

    def take(batch: Sequence[ModelEvent]) -> bool:
        batches.append(len(batch))
        if len(batches) == 1:
            asyncio.get_running_loop().call_soon(waits.set)
        else:
            calls[0].cancel()
        return True

    async with serving(answer) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        calls.append(asyncio.create_task(pushing(models.open("lab/m")).push(REQUEST, take)))
        with pytest.raises(asyncio.CancelledError):
            await calls[0]
    assert len(batches) == 2
    assert 1 < batches[1] < 20_000


@pytest.mark.parametrize("way", ["short", "long", "compressed"])
async def test_a_response_of_any_size_arrives_once_and_in_order(way: str, tmp_path: Path) -> None:
    words = [f"{number:07} " for number in range(1 if way == "short" else 20_000)]
    headers = {"Content-Type": "text/event-stream"}
    body = b"".join(map(delta, words)) + END
    if way == "compressed":
        # One read of the socket then holds more than aiohttp buffers, so that it pauses.
        headers["Content-Encoding"], body = "gzip", gzip.compress(body)

    async def all_at_once(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        for at in range(0, len(body), 5_000):
            await response.write(body[at : at + 5_000])
        return response

    async with serving(all_at_once) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        events = await collect_events(models.open("lab/m"))
    assert texts(events)[1] == "".join(words)
    assert isinstance(events[-1], ModelFinished)


async def test_the_next_call_on_the_same_connection_gets_its_own_events(tmp_path: Path) -> None:
    ports: list[object] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.append(request.transport.get_extra_info("peername"))
        return web.Response(
            body=delta(f"answer {len(ports)}") + END, content_type="text/event-stream"
        )

    async with serving(answer) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        first = await collect_events(models.open("lab/m"))
        second = await collect_events(models.open("lab/m"))
    assert (texts(first)[1], texts(second)[1]) == ("answer 1", "answer 2")
    assert len(set(ports)) == 1
