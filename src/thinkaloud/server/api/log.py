"""The event log over HTTP: lossless within the reasoning policy, and resumable."""

from contextlib import AbstractAsyncContextManager
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.runtime.run_stream import RunStream, follow_conversation, follow_run
from thinkaloud.server.api.runs import LAST_EVENT_ID
from thinkaloud.server.http.operation import (
    EVENT_STREAM,
    NDJSON,
    Answer,
    Operation,
    principal_of,
)
from thinkaloud.server.http.parsing import last_event_id, read_query
from thinkaloud.server.schema.requests import LogQuery
from thinkaloud.server.services import ServerServices, ServerState
from thinkaloud.server.streams.frames import frames_of
from thinkaloud.server.streams.sse import NDJSON_STREAM, SSE_STREAM, event_stream
from thinkaloud.server.wires.log.encode import LogForm, LogWire, log_wire
from thinkaloud.server.wires.log.lines import LogLine

_DESCRIPTION: Final = (
    "Each line is an event as the log has it: `seq`, `at_ms`, `conversation_id`, `run_id` and"
    " `event`. Folding these events gives what the server itself shows. Left out are the"
    " provider's own payload and the content of attachments, always, and reasoning unless it is"
    " asked for and allowed. Consecutive deltas of a segment may come as one event with the `seq`"
    " of the last. Blank lines (comments in an event stream) are heartbeats."
)


class LogRoutes:
    """`/runs/{run_id}/log` and `/conversations/{conversation_id}/log`."""

    def __init__(self, services: ServerServices, state: ServerState) -> None:
        self._services = services
        self._state = state

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        done = Answer("The run has ended and the client has all of it.", None, media_type=None)
        return [
            Operation(
                method="GET",
                path="/api/v1/runs/{run_id}/log",
                name="getRunLog",
                summary="Get or follow the log of a run",
                description=_DESCRIPTION,
                tag="runs",
                requires="read",
                handler=self.run,
                query=LogQuery,
                headers=LAST_EVENT_ID,
                answers={200: _events(), 204: done},
                problems=(404, 422, 503),
            ),
            Operation(
                method="GET",
                path="/api/v1/conversations/{conversation_id}/log",
                name="getConversationLog",
                summary="Get or follow the log of a conversation",
                description=f"{_DESCRIPTION} It starts with the first event unless `after` is given.",
                tag="conversations",
                requires="read",
                handler=self.conversation,
                query=LogQuery,
                headers=LAST_EVENT_ID,
                answers={200: _events()},
                problems=(404, 422, 503),
            ),
        ]

    async def run(self, request: Request) -> Response:
        """Send the log of a run."""
        runs = self._services.runs
        query, after, form, wire = self._read(request)
        run_id: str = request.path_params["run_id"]
        record = await runs.record(principal_of(request).owner, run_id)
        policy = self._services.policy(principal_of(request))
        if query.follow and not await runs.open_runs.is_open(record):
            ended = follow_run(runs, record, after, policy=policy)
            async with frames_of(ended, wire) as frames:
                if not await frames.next():
                    return Response(status_code=204)
        following = follow_run(runs, record, after, live=query.follow, policy=policy)
        return await self._stream(following, wire, form, live=query.follow)

    async def conversation(self, request: Request) -> Response:
        """Send the log of a conversation."""
        query, after, form, wire = self._read(request)
        conversation_id: str = request.path_params["conversation_id"]
        following = follow_conversation(
            self._services.runs,
            principal_of(request).owner,
            conversation_id,
            after or 0,
            live=query.follow,
            policy=self._services.policy(principal_of(request)),
        )
        return await self._stream(following, wire, form, live=query.follow)

    def _read(self, request: Request) -> tuple[LogQuery, int | None, LogForm, LogWire]:
        query = read_query(request, LogQuery)
        after = last_event_id(request, query.after if isinstance(query.after, int) else None)
        form: LogForm = "sse" if wants_sse(request.headers.get("accept", "")) else "ndjson"
        shows = self._services.sends_reasoning(query.include_reasoning, principal_of(request))
        return query, after, form, log_wire(form, reasoning=shows)

    async def _stream(
        self,
        following: AbstractAsyncContextManager[RunStream],
        wire: LogWire,
        form: LogForm,
        *,
        live: bool,
    ) -> Response:
        kind = SSE_STREAM if form == "sse" else NDJSON_STREAM
        return await event_stream(
            frames_of(following, wire),
            self._services.settings,
            self._state,
            kind=kind if live else kind.finite(),
        )


def wants_sse(accept: str) -> bool:
    """Whether an `Accept` header lists an event stream before NDJSON."""
    kinds = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    first = next((kind for kind in kinds if kind in {EVENT_STREAM, NDJSON}), NDJSON)
    return first == EVENT_STREAM


def _events() -> Answer:
    return Answer("The events after the cursor.", LogLine, NDJSON, also_stream=True)
