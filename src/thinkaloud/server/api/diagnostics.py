"""A test stream at a known pace, to detect proxies that delay streaming."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.server.http.operation import EVENT_STREAM, Answer, Operation
from thinkaloud.server.services import ServerServices, ServerState
from thinkaloud.server.streams.backpressure import WriteNow
from thinkaloud.server.streams.sse import event_stream

PATH: Final = "/api/v1/diagnostics/stream"
TICKS: Final = 6
PACE_MS: Final = 150
HEARTBEAT: Final = b": heartbeat\n\n"
"""The comment after each event except the last."""


class Tick(msgspec.Struct, frozen=True):
    """One event of the test stream. Times are by the server's clock."""

    number: int
    """From 1."""
    of: int
    sent_at_ms: int
    """Unix milliseconds."""
    pace_ms: int
    """Time since the previous event was sent."""
    version: str


class DiagnosticRoutes:
    """`/diagnostics/stream`."""

    def __init__(self, services: ServerServices, state: ServerState) -> None:
        self._services = services
        self._state = state

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [
            Operation(
                method="GET",
                path=PATH,
                name="testStream",
                summary="Test stream at a known pace",
                description=(
                    f"{TICKS} events, {PACE_MS} ms apart, with comments in between, sent like"
                    " any event stream. `thinkaloud doctor --url` reads it."
                ),
                tag="system",
                requires="read",
                handler=self.stream,
                answers={200: Answer("The events.", Tick, EVENT_STREAM)},
            )
        ]

    async def stream(self, request: Request) -> Response:
        """Send the test stream."""
        services = self._services
        return await event_stream(_ticking(services), services.settings, self._state)


class _Ticks:
    """Yields the events on schedule."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services
        self._number = 0

    async def next(self, write_now: WriteNow | None = None) -> Sequence[bytes]:
        """Wait for the next event; empty after the last."""
        del write_now
        if self._number == TICKS:
            return ()
        clock = self._services.clock
        if self._number:
            await clock.sleep(PACE_MS / 1000)
        self._number += 1
        tick = Tick(self._number, TICKS, clock.unix_ms(), PACE_MS, self._services.about.version)
        event = b"data: " + msgspec.json.encode(tick) + b"\n\n"
        return (event,) if self._number == TICKS else (event, HEARTBEAT)


@asynccontextmanager
async def _ticking(services: ServerServices) -> AsyncGenerator[_Ticks]:
    yield _Ticks(services)
