"""Connections to a provider are kept for the next call."""

import asyncio
import socket
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
from thinkaloud.events.model import ModelFinished
from thinkaloud.providers import transport


async def forever(request: web.Request) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("pushed", [True, False])
async def test_a_connection_is_used_again_if_its_response_ends_with_a_later_packet(
    tmp_path: Path, *, pushed: bool
) -> None:
    peers: list[object] = []
    first_is_read = asyncio.Event()

    async def wait(request: web.Request) -> None:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        await first_is_read.wait()

    answer = streaming(THOUGHT_AND_ANSWER + END, then=wait)
    async with serving(answer) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        model = models.open("lab/m")
        first = await collect_events(model, pushed=pushed)
        assert isinstance(first[-1], ModelFinished)
        first_is_read.set()
        async with asyncio.timeout(30):
            # Its end is on its way: the next call may still need another connection.
            while peers.count(peers[0]) < 2:
                assert texts(await collect_events(model, pushed=pushed)) == texts(first)


async def test_a_provider_that_never_ends_its_response_is_disconnected_after_a_moment(
    tmp_path: Path,
) -> None:
    answer = streaming(THOUGHT_AND_ANSWER + END, then=forever)
    async with serving(answer) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        events = await collect_events(models.open("lab/m"))
        assert isinstance(events[-1], ModelFinished)
        assert not upstream.left.is_set()
        async with asyncio.timeout(30):
            await upstream.left.wait()


async def test_closing_the_connections_does_not_wait_for_the_end_of_a_response(
    tmp_path: Path,
) -> None:
    answer = streaming(THOUGHT_AND_ANSWER + END, then=forever)
    async with serving(answer) as upstream:
        async with models_of(lab(upstream.url), tmp_path) as models:
            await collect_events(models.open("lab/m"))
        async with asyncio.timeout(30):
            await upstream.left.wait()


async def test_a_silent_connection_is_probed_before_routers_forget_it() -> None:
    over = asyncio.Event()

    async def wait(request: web.Request) -> None:
        await over.wait()

    async with (
        serving(streaming(THOUGHT_AND_ANSWER, then=wait)) as upstream,
        transport.new_session(proxies=False) as session,
        await transport.post(session, upstream.url, b"{}", {}) as response,
    ):
        assert response.connection is not None
        assert response.connection.transport is not None
        connected = response.connection.transport.get_extra_info("socket")
        over.set()
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 60
