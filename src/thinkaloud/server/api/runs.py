"""Get, follow and stop runs."""

from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.errors import NotFound
from thinkaloud.events.event import content_of
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.run_stream import follow_run
from thinkaloud.server.http.file_responses import FILE, file_response
from thinkaloud.server.http.operation import (
    EVENT_STREAM,
    Answer,
    Operation,
    json_response,
    principal_of,
)
from thinkaloud.server.http.parsing import last_event_id, read_query, refuse_form
from thinkaloud.server.schema.requests import FollowQuery, ReasoningQuery
from thinkaloud.server.schema.responses import RunState, run_state
from thinkaloud.server.services import ServerServices, ServerState
from thinkaloud.server.streams.frames import frames_of
from thinkaloud.server.streams.sse import event_stream
from thinkaloud.server.wires.chat.encode import chat_wire
from thinkaloud.server.wires.chat.frames import Frame

LAST_EVENT_ID = {"Last-Event-ID": "The last `id` that the client has; goes before `after`."}
"""The header that a reconnecting browser sends."""


class RunRoutes:
    """`/runs/{run_id}` and below."""

    def __init__(self, services: ServerServices, state: ServerState) -> None:
        self._services = services
        self._state = state

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [
            Operation(
                method="GET",
                path="/api/v1/runs/{run_id}",
                name="getRun",
                summary="Get a run",
                tag="runs",
                requires="read",
                handler=self.get,
                query=ReasoningQuery,
                answers={200: Answer("The run.", RunState)},
                problems=(404, 422),
            ),
            Operation(
                method="POST",
                path="/api/v1/runs/{run_id}/stop",
                name="stopRun",
                summary="Stop a run",
                description=(
                    "Responds when the run has ended. Stopping a run that has ended has no effect."
                ),
                tag="runs",
                requires="chat",
                handler=self.stop,
                query=ReasoningQuery,
                answers={200: Answer("The ended run.", RunState)},
                problems=(404, 415, 422),
            ),
            Operation(
                method="GET",
                path="/api/v1/runs/{run_id}/events",
                name="followRun",
                summary="Follow or resume a run",
                tag="runs",
                requires="read",
                handler=self.follow,
                query=FollowQuery,
                headers=LAST_EVENT_ID,
                answers={
                    200: Answer("The events after the cursor.", Frame, EVENT_STREAM),
                    204: Answer(
                        "The run has ended and the client has all of it.", None, media_type=None
                    ),
                },
                problems=(404, 422, 503),
            ),
            self._attachment(),
        ]

    def _attachment(self) -> Operation:
        return Operation(
            method="GET",
            path="/api/v1/runs/{run_id}/attachments/{number}",
            name="getAttachment",
            summary="Download an attachment",
            description=(
                "The file as it was sent, even if the upload has changed or been deleted"
                " since. `number` counts from 1, in the order of the run's `attachments`."
            ),
            tag="runs",
            requires="read",
            handler=self.attachment,
            answers={200: FILE},
            problems=(404,),
        )

    async def get(self, request: Request) -> Response:
        """Get a run."""
        query = read_query(request, ReasoningQuery)
        return await self._described(
            request, await self._record(request), asked=query.include_reasoning
        )

    async def stop(self, request: Request) -> Response:
        """Stop a run and respond when it has ended."""
        refuse_form(request)
        query = read_query(request, ReasoningQuery)
        run_id: str = request.path_params["run_id"]
        record = await self._services.runs.stop(principal_of(request).owner, run_id)
        return await self._described(request, record, asked=query.include_reasoning)

    async def follow(self, request: Request) -> Response:
        """Follow a run to its end."""
        services = self._services
        query = read_query(request, FollowQuery)
        after = last_event_id(request, query.after if isinstance(query.after, int) else None)
        record = await self._record(request)
        principal = principal_of(request)
        policy = services.policy(principal)
        shows = services.sends_reasoning(query.include_reasoning, principal)
        wire = chat_wire("sse", reasoning=shows)
        if not await services.runs.open_runs.is_open(record):
            ended = follow_run(services.runs, record, after, policy=policy)
            async with frames_of(ended, wire) as frames:
                if not await frames.next():
                    return Response(status_code=204)
        following = follow_run(services.runs, record, after, policy=policy)
        return await event_stream(frames_of(following, wire), services.settings, self._state)

    async def attachment(self, request: Request) -> Response:
        """Download an attachment of a run."""
        fold = await self._services.runs.fold(await self._record(request))
        number: str = request.path_params["number"]
        files = {str(place): file for place, file in enumerate(fold.attachments, 1)} if fold else {}
        if number not in files:
            raise NotFound("The run has no such attachment.")
        return file_response(files[number].name, content_of(files[number]))

    async def _record(self, request: Request) -> RunRecord:
        run_id: str = request.path_params["run_id"]
        return await self._services.runs.record(principal_of(request).owner, run_id)

    async def _described(self, request: Request, record: RunRecord, *, asked: bool) -> Response:
        services, principal = self._services, principal_of(request)
        fold = await services.runs.fold(record)
        fold = None if fold is None else services.reader(principal).run(fold)
        shows = services.sends_reasoning(asked, principal)
        return json_response(run_state(record, fold, reasoning=shows))
