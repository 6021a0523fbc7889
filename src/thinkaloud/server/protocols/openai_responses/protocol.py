"""`/v1/responses` and below."""

import math
import re
from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from thinkaloud.errors import Conflict, InvalidRequest
from thinkaloud.ports.protocols.records import RecordLimits
from thinkaloud.runtime.run_stream import follow_run
from thinkaloud.server.http.operation import Answer, Operation, json_response, principal_of
from thinkaloud.server.http.parsing import refuse_form
from thinkaloud.server.http.problems import Problem
from thinkaloud.server.protocols.bodies import read_request
from thinkaloud.server.protocols.openai_responses.continuation import (
    place_of,
)
from thinkaloud.server.protocols.openai_responses.echo import input_items
from thinkaloud.server.protocols.openai_responses.kept import (
    MAX_BYTES,
    MAX_RESPONSES,
    KeptResponse,
    KeptResponses,
)
from thinkaloud.server.protocols.openai_responses.preparation import (
    Preparation,
    PreparedRun,
    readable,
)
from thinkaloud.server.protocols.openai_responses.queries import InputQuery, retrieve_query
from thinkaloud.server.protocols.openai_responses.requests import ResponsesRequest
from thinkaloud.server.protocols.protocol import ErrorResponse
from thinkaloud.server.protocols.runs import (
    RUN_ID,
    ProtocolServices,
    complete_run,
    stream_run,
)
from thinkaloud.server.streams.frames import frames_of
from thinkaloud.server.streams.sse import SSE_STREAM, event_stream
from thinkaloud.server.wire_settings import DAY_MS
from thinkaloud.server.wires.openai_chat.errors import error_body, error_headers, error_status
from thinkaloud.server.wires.openai_responses.encode import ResponsesWire
from thinkaloud.server.wires.openai_responses.objects import (
    ResponseObject,
    Shown,
    queued_response,
    response_of,
)

_PATH: Final = "/v1/responses"
_PATHS: Final = re.compile(r"/v1/responses(/|\Z)")
_ENCRYPTED: Final = "reasoning.encrypted_content"


class Responses:
    """OpenAI's Responses API."""

    name = "openai.responses"

    def __init__(self, services: ProtocolServices) -> None:
        self._services = services
        self._settings = services.server.wires.openai
        server = services.server
        limits = RecordLimits(MAX_RESPONSES, MAX_BYTES, server.wires.openai.response_days * DAY_MS)
        self._kept = KeptResponses(server.runs, server.records, server.clock, limits)
        self.trim = self._kept.trim
        """Deletes the responses that are too old."""
        self._preparation = Preparation(services, self._kept)

    def owns(self, scope: Scope) -> bool:
        """Whether a request is for this API."""
        return _PATHS.match(scope["path"]) is not None

    def error(self, problem: Problem) -> ErrorResponse:
        """Return a problem as OpenAI's error."""
        return ErrorResponse(error_status(problem), error_body(problem), error_headers(problem))

    def operations(self) -> Sequence[Operation]:
        """Return the operations."""
        response = Answer("The response, or its events.", ResponseObject, also_stream=True)
        one = f"{_PATH}/{{response_id}}"
        return [
            Operation(
                method="POST",
                path=_PATH,
                name="openaiCreateResponse",
                summary="Create a response",
                tag="openai",
                requires="chat",
                handler=self.create,
                body=ResponsesRequest,
                answers={200: response},
            ),
            Operation(
                method="GET",
                path=one,
                name="openaiResponse",
                summary="Get a response or its events",
                tag="openai",
                requires="read",
                handler=self.retrieve,
                answers={200: response},
            ),
            Operation(
                method="GET",
                path=f"{one}/input_items",
                name="openaiResponseInput",
                summary="List the input items of a response",
                tag="openai",
                requires="read",
                handler=self.input_items,
                answers={200: Answer("The items.", None)},
            ),
            *self._changes(one),
        ]

    def _changes(self, one: str) -> Sequence[Operation]:
        return [
            Operation(
                method="DELETE",
                path=one,
                name="openaiDeleteResponse",
                summary="Delete a response",
                tag="openai",
                requires="chat",
                handler=self.delete,
                answers={200: Answer("The id of the response.", None)},
            ),
            Operation(
                method="POST",
                path=f"{one}/cancel",
                name="openaiCancelResponse",
                summary="Stop a response that runs in the background",
                tag="openai",
                requires="chat",
                handler=self.cancel,
                answers={200: Answer("The response.", ResponseObject)},
            ),
        ]

    async def create(self, request: Request) -> Response:
        """Run the model, and return its response as a whole, in events, or at once."""
        asked = await read_request(request, ResponsesRequest, self._services.server)
        if asked.background and asked.store is False:
            raise InvalidRequest("A background response must be stored.", field="background")
        principal = principal_of(request)
        model = self._services.model(principal, asked.model)
        self._preparation.effort(principal.owner, asked, model)  # Before anything is copied.
        runs = self._services.server.runs
        place = await place_of(request, asked, principal.owner, runs, self._kept)
        try:
            prepared = await self._preparation.prepare(request, asked, place, model)
            if asked.background:
                return await self._background(request, asked, prepared)
            return await self._foreground(request, asked, prepared)
        except BaseException:
            # Nothing refers to a copy whose run did not start.
            name = place.conversation_id
            if place.copied and name is not None:
                await self._kept.discard_unused(principal.owner, name)
            raise

    async def retrieve(self, request: Request) -> Response:
        """Return a response in its current state, or its events from its start."""
        query = retrieve_query(request)
        principal, server = principal_of(request), self._services.server
        kept = await self._find(request)
        if query.include_reasoning is not None:
            form = self._settings.reasoning_events if query.include_reasoning else None
            kept = msgspec.structs.replace(kept, shown=Shown(form))
        shown = readable(self._services, request, kept.shown)
        if not query.stream:
            return json_response(await self._response(request, kept))
        following = follow_run(server.runs, kept.record, policy=server.policy(principal))
        wire = ResponsesWire(kept.echo, shown, query.starting_after)
        return await event_stream(
            frames_of(following, wire),
            server.settings,
            self._services.state,
            {RUN_ID: kept.record.run_id},
            SSE_STREAM.finite(),
        )

    async def delete(self, request: Request) -> Response:
        """Delete a response."""
        refuse_form(request)
        kept, server = await self._find(request), self._services.server
        record = kept.record
        found = await server.runs.conversations.get(record.owner, record.conversation_id)
        if not (found.temporary or found.unlisted):
            fold = await server.runs.hub.fold(record.owner, record.conversation_id)
            if len(fold.tree.all) > 1:
                raise Conflict(
                    "The response is part of a stored conversation: delete that one instead."
                )
            await server.runs.conversations.delete(record.owner, record.conversation_id)
        await self._kept.delete(kept)
        return json_response({"id": kept.id, "object": "response", "deleted": True})

    async def cancel(self, request: Request) -> Response:
        """Stop a background response, and return it when it has ended."""
        refuse_form(request)
        kept = await self._find(request)
        if not kept.echo.background:
            raise InvalidRequest("Only a background response can be cancelled.")
        await self._services.server.runs.stop(kept.record.owner, kept.record.run_id)
        return json_response(await self._response(request, kept))

    async def input_items(self, request: Request) -> Response:
        """List the input items of a response."""
        kept = await self._find(request)
        items = kept.items
        if not items:
            run = await self._services.server.runs.fold(kept.record)
            text = "" if run is None else run.started.input.text
            items = input_items(kept.id, text) if text else ()
        return json_response(InputQuery.of(request).page(items))

    async def _foreground(
        self, request: Request, asked: ResponsesRequest, prepared: PreparedRun
    ) -> Response:
        services, plan, kept = self._services, prepared.plan, prepared.kept
        if asked.stream:
            wire = ResponsesWire(kept.echo, kept.shown)
            return await stream_run(request, services, plan, wire)
        run = await complete_run(request, services, plan)
        return json_response(response_of(run, kept.echo, kept.shown), headers=plan.headers)

    async def _background(
        self, request: Request, asked: ResponsesRequest, prepared: PreparedRun
    ) -> Response:
        """Start a run that does not depend on its client's connection."""
        server, kept = self._services.server, prepared.kept
        principal = principal_of(request)
        run = msgspec.structs.replace(prepared.plan.run, stop_detached_after=math.inf)
        record = await server.start_run(principal, run)
        kept = msgspec.structs.replace(kept, record=record)
        await self._kept.add(kept)
        headers = {**prepared.plan.headers, RUN_ID: record.run_id}
        if not asked.stream:
            return json_response(await self._response(request, kept), headers=headers)
        following = follow_run(server.runs, record, policy=server.policy(principal))
        frames = frames_of(following, ResponsesWire(kept.echo, kept.shown))
        return await event_stream(
            frames, server.settings, self._services.state, headers, SSE_STREAM.finite()
        )

    async def _find(self, request: Request) -> KeptResponse:
        name: str = request.path_params["response_id"]
        return await self._kept.find(principal_of(request).owner, name)

    async def _response(self, request: Request, kept: KeptResponse) -> ResponseObject:
        server = self._services.server
        run = await server.runs.fold(kept.record)
        if run is None:
            now_ms = server.clock.unix_ms()
            return queued_response(kept.record.run_id, kept.model, now_ms, kept.echo)
        run = server.reader(principal_of(request)).run(run)
        return response_of(run, kept.echo, readable(self._services, request, kept.shown))
