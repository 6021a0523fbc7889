"""Send messages over HTTP, with a single response or an event stream."""

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.core.reply import Reply, reply
from thinkaloud.errors import InternalError, InvalidRequest, NotFound
from thinkaloud.events.view import RunView
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.run_stream import follow_run, wait_for_end
from thinkaloud.server.http.operation import (
    EVENT_STREAM,
    Answer,
    Operation,
    json_response,
    principal_of,
    request_id_of,
)
from thinkaloud.server.http.parsing import decode, idempotency_key, last_event_id, read_body
from thinkaloud.server.http.problems import Problem, Refused, problem_of_run, respond
from thinkaloud.server.run_request import run_request
from thinkaloud.server.schema.requests import ChatRequest
from thinkaloud.server.services import ServerServices, ServerState
from thinkaloud.server.streams.frames import frames_of
from thinkaloud.server.streams.sse import event_stream, until_gone
from thinkaloud.server.wires.chat.encode import chat_wire
from thinkaloud.server.wires.chat.frames import Frame

_FAILURES = (404, 409, 413, 415, 422, 429, 500, 502, 503, 504)
_HEADERS = {
    "Idempotency-Key": "Makes a repeated request return the first run, whatever its body says."
}
_STREAM_HEADERS = {
    **_HEADERS,
    "Last-Event-ID": "With the `Idempotency-Key` of an earlier request: resume its stream after"
    " this `id`.",
}
_RESUMES_NOTHING = (
    "Last-Event-ID resumes a stream, but no run was started with this Idempotency-Key. To send a"
    " new message, leave the header out. To resume a run, send the key of its message, or use"
    " GET /api/v1/runs/{run_id}/events."
)
WITHHELD = "X-Reasoning-Withheld"
"""Response header: reasoning was requested, but the server's policy withholds it."""
RUN_ID = "X-Run-ID"
"""Response header of a stream: its run, which can be stopped even while queued."""


class ChatRoutes:
    """`/chat/message` and `/chat/stream-sse`."""

    def __init__(self, services: ServerServices, state: ServerState) -> None:
        self._services = services
        self._state = state

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        run_id = {
            RUN_ID: "The run's id. It is known before the first event, even if the run is queued."
        }
        stream = Answer("The events of the run.", Frame, EVENT_STREAM, headers=run_id)
        return [
            Operation(
                method="POST",
                path="/api/v1/chat/message",
                name="sendMessage",
                summary="Send a message and get the complete reply",
                description="The run continues if the client disconnects: look it up under /runs.",
                tag="chat",
                requires="chat",
                handler=self.message,
                body=ChatRequest,
                headers=_HEADERS,
                answers={
                    200: Answer(
                        "The reply; with `streaming`, the events.", Reply, also_stream=True
                    ),
                    202: Answer("The run waits for a decision about its `approvals`.", Reply),
                },
                problems=_FAILURES,
            ),
            Operation(
                method="POST",
                path="/api/v1/chat/stream-sse",
                name="streamMessage",
                summary="Send a message and stream the run",
                tag="chat",
                requires="chat",
                handler=self.stream,
                body=ChatRequest,
                headers=_STREAM_HEADERS,
                answers={200: stream},
                problems=(404, 409, 413, 415, 422, 500, 503),
            ),
        ]

    async def message(self, request: Request) -> Response:
        """Start a run and respond when it has ended."""
        chat, record, after = await self._start(request)
        if chat.streaming:
            return await self._follow(request, chat, record, after)
        runs = self._services.runs
        await self._wait(request, record)
        fold = await runs.fold(record)
        if fold is None:
            raise NotFound("The conversation was deleted before the run finished.")
        principal = principal_of(request)
        view = self._services.reader(principal).run(fold).view()
        shows = self._services.sends_reasoning(chat.include_reasoning, principal)
        withheld = {WITHHELD: "policy"} if chat.include_reasoning and not shows else None
        if view.error is not None or view.status == "running":
            problem = failed_run(view, record, request_id_of(request.scope), shows=shows)
            return respond(problem, withheld)
        body = reply(view, record.conversation_id, include_reasoning=shows)
        status = 202 if view.status == "waiting" else 200
        return json_response(body, status, headers=withheld)

    async def stream(self, request: Request) -> Response:
        """Start a run and stream its events."""
        chat, record, after = await self._start(request, streaming=True)
        return await self._follow(request, chat, record, after)

    async def _start(
        self, request: Request, *, streaming: bool = False
    ) -> tuple[ChatRequest, RunRecord, int | None]:
        """Start the run, or find the one with this key. Also return the cursor to resume from."""
        services = self._services
        key = idempotency_key(request)
        body = await read_body(request, services.settings)
        chat = decode(body, ChatRequest, services.settings)
        after = last_event_id(request, None) if streaming or chat.streaming else None
        if key is not None:
            known = await services.store.run_for_key(principal_of(request).owner, key)
            if known is not None:
                return chat, known, after
        if after:
            raise InvalidRequest(_RESUMES_NOTHING, field="Last-Event-ID")
        asked = run_request(chat, services, key)
        return chat, await services.start_run(principal_of(request), asked), None

    async def _wait(self, request: Request, record: RunRecord) -> None:
        """Wait for the run to end. The client counts as a follower while it waits."""
        async with asyncio.TaskGroup() as tasks:
            runs = self._services.runs
            over = tasks.create_task(wait_for_end(runs, record, or_waiting=True))
            gone = tasks.create_task(until_gone(request.receive))
            await asyncio.wait([over, gone], return_when=asyncio.FIRST_COMPLETED)
            left = not over.done()
            over.cancel()
            gone.cancel()
        if left:
            raise Refused(400, "disconnected", "The client disconnected before the run finished.")

    async def _follow(
        self, request: Request, chat: ChatRequest, record: RunRecord, after: int | None
    ) -> Response:
        services = self._services
        principal = principal_of(request)
        shows = services.sends_reasoning(chat.include_reasoning, principal)
        wire = chat_wire("sse", reasoning=shows)
        policy = services.policy(principal)
        frames = frames_of(follow_run(services.runs, record, after, policy=policy), wire)
        run_id = {RUN_ID: record.run_id}
        return await event_stream(frames, services.settings, self._state, run_id)


def failed_run(view: RunView, record: RunRecord, request_id: str, *, shows: bool) -> Problem:
    """Return a failed run as a problem document, with its text so far (P3)."""
    error = view.error
    if error is None:
        raise InternalError("The run has not ended.")
    return msgspec.structs.replace(
        problem_of_run(error, request_id),
        run_id=record.run_id,
        conversation_id=record.conversation_id,
        partial=view.response,
        reasoning=view.reasoning if shows else msgspec.UNSET,
    )
