"""The benchmark's client counts what arrives, however the network splits it."""

import asyncio
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.speed.client import Request, Stream

SSE = Request("sse", 1, "/", "{}", b"event: complete")
FRAME = b'id: 1\nevent: token\ndata: {"token":"tok ","run_id":"run_1"}\n\n'
STAMPED = b'id: 1\nevent: token\ndata: {"token":"t0000000000000042 "}\n\n'
END = b'id: 9\nevent: complete\ndata: {"text":"tok tok tok t0000000000000042 "}\n\n'
OF_BODY = 24


def received(body: bytes, cuts: set[int]) -> Stream:
    """The stream of a client that gets this body in these pieces."""

    async def receive() -> Stream:
        stream = Stream(SSE)
        edges = [0, *sorted(cuts), len(body)]
        for start, end in pairwise(edges):
            if start < end:
                stream.data_received(body[start:end])
        return stream

    return asyncio.run(receive())


@given(st.sets(st.integers(1, len(FRAME) * 5), max_size=OF_BODY))
def test_tokens_are_counted_once_and_those_of_the_last_frame_are_not(cuts: set[int]) -> None:
    stream = received(FRAME * 5 + END, cuts)
    assert stream.tokens == 5
    assert stream.run_id == "run_1"
    assert stream.ended.done()


@given(st.sets(st.integers(1, len(STAMPED) * 5), max_size=OF_BODY))
def test_the_delay_of_each_stamped_token_is_noted_once(cuts: set[int]) -> None:
    stream = received(STAMPED * 5 + END, cuts)
    assert stream.tokens == len(stream.delays) == 5
