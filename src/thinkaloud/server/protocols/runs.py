"""Runs of other protocols' requests: they end with the request, and keep nothing unless asked to."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.errors import NotFound
from thinkaloud.events.event import RunEnded, RunError
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import Turn
from thinkaloud.ports.model import ModelInfo
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.store import RunRecord
from thinkaloud.ports.tasks import completed
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.run_stream import follow_run, wait_for_end
from thinkaloud.runtime.runs.request import RunRequest, check_model
from thinkaloud.server.http.operation import principal_of
from thinkaloud.server.http.problems import FailedRun, Refused
from thinkaloud.server.protocols.history import HistoryBuilder
from thinkaloud.server.protocols.turn_memory import TurnMemory
from thinkaloud.server.services import ServerServices, ServerState
from thinkaloud.server.streams.frames import FrameStream, frames_of
from thinkaloud.server.streams.sse import SSE_STREAM, StreamKind, event_stream, until_gone
from thinkaloud.server.wires.wire import Encoder, RunLookup, Wire
from thinkaloud.tools.url_guard import UrlGuard

RUN_ID: Final = "X-Run-ID"
"""Response header: the run, which can be looked up if its conversation is stored."""
CONVERSATION_ID: Final = "X-Conversation-ID"
"""Request and response header: the stored conversation."""

_NONE: Final[Mapping[str, str]] = MappingProxyType({})

Ended = Callable[[RunFold], Awaitable[None]]
"""Takes the state of a run that has ended by itself."""
Started = Callable[[RunRecord], Awaitable[None]]
"""Takes the record of a run that has started."""


class ProtocolServices(msgspec.Struct, frozen=True):
    """The dependencies of a protocol's handlers."""

    server: ServerServices
    state: ServerState
    memory: TurnMemory
    url_guard: UrlGuard

    async def history(self, owner: str, *, has_ids: bool = True) -> HistoryBuilder:
        """Return a builder for the history of a request. `has_ids`: as in `HistoryBuilder`."""
        await self.memory.refresh()
        return HistoryBuilder(owner, self.memory, has_ids=has_ids)

    def model(self, principal: Principal, asked: str | None) -> ModelInfo:
        """Return the model of a request: the one it names, or else the one its owner has selected.

        Raises `Forbidden` if the principal may not use the named one, whether it exists or not;
        `UnknownModel` or `ConfigurationError`.
        """
        check_model(principal, asked or None)
        selected = self.server.runs.selections.model(principal.owner)
        return self.server.catalogue.open(asked or selected).info

    def plan(
        self,
        owner: str,
        last: Turn | None,
        run: RunRequest,
        headers: Mapping[str, str] = _NONE,
        *,
        has_ids: bool = True,
        saves: bool = True,
    ) -> "RunPlan":
        """Return the plan for a run that responds to the turn `last`.

        The response is remembered if the client keeps the conversation itself: with `saves`, also
        after a restart. `has_ids` is whether the protocol gives tool calls ids.
        """
        if run.conversation_id is not None:
            return RunPlan(run, headers={CONVERSATION_ID: run.conversation_id, **headers})
        find = self.server.runs.find_payload
        keep = partial(self.memory.keep, owner, last, find, has_ids=has_ids, saves=saves)
        return RunPlan(run, keep, headers)


class RunPlan(msgspec.Struct, frozen=True):
    """A run to start for a protocol's request."""

    run: RunRequest
    ended: Ended | None = None
    """Called once the run is complete, with what the log has of it."""
    headers: Mapping[str, str] = _NONE
    """Additional headers of the response."""
    started: Started | None = None
    """Called once the run has started."""
    discards: bool = True
    """Whether a temporary conversation is deleted after the response."""


@asynccontextmanager
async def attached_run(
    services: ServerServices, principal: Principal, plan: RunPlan
) -> AsyncGenerator[RunRecord]:
    """Start a run that is stopped when the block is left.

    A conversation that is `temporary` is deleted then, unless the plan keeps it. Raises what
    `Runs.start` raises.
    """
    record = await services.start_run(principal, plan.run)
    try:
        if plan.started is not None:
            await plan.started(record)
        yield record
    finally:
        await completed(_leave(services, record, plan))


async def _leave(services: ServerServices, record: RunRecord, plan: RunPlan) -> None:
    runs = services.runs
    await runs.open_runs.stop(record)
    if plan.run.temporary and plan.discards:
        await runs.conversations.discard(record.owner, record.conversation_id)


class _NotifyingEncoder:
    """Calls `complete` before the last frames of a run are sent: the client may be back at once."""

    def __init__(self, encoder: Encoder, complete: Callable[[], Awaitable[None]]) -> None:
        # Attributes rather than methods: no additional call for each token.
        self.encode = encoder.encode
        self.snapshot = encoder.snapshot
        self.deleted = encoder.deleted
        self._boundary = encoder.boundary
        self._complete = complete

    async def boundary(self, entry: Entry, runs: RunLookup, /) -> Sequence[bytes]:
        event = entry.logged.event
        if isinstance(event, RunEnded) and event.status == "completed":
            await self._complete()
        return await self._boundary(entry, runs)


class _NotifyingWire:
    """A wire with encoders that call `complete`."""

    def __init__(self, wire: Wire, complete: Callable[[], Awaitable[None]]) -> None:
        self.name = wire.name
        self._wire = wire
        self._complete = complete

    def encoder(self) -> Encoder:
        return _NotifyingEncoder(self._wire.encoder(), self._complete)


async def stream_run(
    request: Request,
    services: ProtocolServices,
    plan: RunPlan,
    wire: Wire,
    kind: StreamKind = SSE_STREAM,
) -> Response:
    """Start a run and return its frames as a response. The run stops if the client disconnects.

    The response begins with the run's first output, or after the heartbeat interval. Raises what
    `Runs.start` raises, and `FailedRun` if the run fails before that: the client gets a status.
    """
    server, principal = services.server, principal_of(request)
    policy = server.policy(principal)

    @asynccontextmanager
    async def frames() -> AsyncGenerator[FrameStream]:
        async with attached_run(server, principal, plan) as record:
            notifying = _NotifyingWire(wire, partial(_complete, server, record, plan))
            following = follow_run(server.runs, record, policy=policy)
            async with frames_of(following, notifying) as stream:
                error = await _unless_gone(request, stream, server.settings.heartbeat_seconds)
                if error is not None:
                    raise FailedRun(error)
                yield stream

    return await event_stream(
        frames(), server.settings, services.state, plan.headers, kind.finite()
    )


async def complete_run(request: Request, services: ProtocolServices, plan: RunPlan) -> RunFold:
    """Start a run and return it as the client may read it, when it has ended.

    It is stopped if the client disconnects.

    Raises what `Runs.start` raises, and `FailedRun`.
    """
    server, principal = services.server, principal_of(request)
    async with attached_run(server, principal, plan) as record:
        async with asyncio.TaskGroup() as tasks:
            over = tasks.create_task(wait_for_end(server.runs, record))
            gone = tasks.create_task(until_gone(request.receive))
            await asyncio.wait([over, gone], return_when=asyncio.FIRST_COMPLETED)
            left = not over.done()
            over.cancel()
            gone.cancel()
        if left:
            raise _disconnected()
        await _complete(server, record, plan)
        fold = await server.runs.fold(record)
    if fold is None or fold.ended is None:
        raise NotFound("The conversation was deleted before the run finished.")
    if fold.ended.error is not None:
        raise FailedRun(fold.ended.error)
    return server.reader(principal).run(fold)


async def _complete(services: ServerServices, record: RunRecord, plan: RunPlan) -> None:
    """Call `plan.ended` if the run is complete."""
    fold = await services.runs.fold(record)
    if plan.ended is None or fold is None or fold.ended is None:
        return
    if fold.ended.status == "completed":
        await plan.ended(fold)


async def _unless_gone(request: Request, stream: FrameStream, seconds: float) -> RunError | None:
    """Wait for the first output. Raises `Refused` if the client disconnects first."""
    async with asyncio.TaskGroup() as tasks:
        opening = tasks.create_task(stream.opened(seconds))
        gone = tasks.create_task(until_gone(request.receive))
        await asyncio.wait([opening, gone], return_when=asyncio.FIRST_COMPLETED)
        left = not opening.done()
        opening.cancel()
        gone.cancel()
    if left:
        raise _disconnected()
    return opening.result()


def _disconnected() -> Refused:
    return Refused(400, "disconnected", "The client disconnected before the run finished.")
