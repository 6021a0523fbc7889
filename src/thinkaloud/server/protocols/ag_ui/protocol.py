"""`/ag-ui`: the server's side of the AG-UI protocol over HTTP and Server-Sent Events."""

import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from thinkaloud.errors import InvalidRequest
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.run_stream import follow_run
from thinkaloud.runtime.runs.request import MAX_CONTEXT_FILES
from thinkaloud.server.http.operation import EVENT_STREAM, Answer, Operation, principal_of
from thinkaloud.server.http.problems import Problem
from thinkaloud.server.protocols.ag_ui.request import (
    AgUiMessage,
    ContentPart,
    ForwardedProps,
    RunAgentInput,
    replaced_run,
    tool_results,
)
from thinkaloud.server.protocols.bodies import read_request
from thinkaloud.server.protocols.client_tools import by_name, tool_schemas
from thinkaloud.server.protocols.data_urls import stored_base64, stored_file
from thinkaloud.server.protocols.hang_up import stopped_on_leaving
from thinkaloud.server.protocols.plain_errors import plain_error
from thinkaloud.server.protocols.protocol import ErrorResponse
from thinkaloud.server.protocols.runs import RUN_ID, ProtocolServices
from thinkaloud.server.run_request import run_request
from thinkaloud.server.schema.requests import ChatRequest
from thinkaloud.server.streams.frames import FrameStream, frames_of
from thinkaloud.server.streams.sse import event_stream
from thinkaloud.server.wires.ag_ui.encode import AgUiWire
from thinkaloud.server.wires.ag_ui.messages import snapshot

_PATHS: Final = re.compile(r"/api/v1/ag-ui(/|\Z)")


class AgUi:
    """`/ag-ui`. Errors are plain text, which the client shows as they are."""

    name = "ag-ui"

    def __init__(self, services: ProtocolServices) -> None:
        self._services = services.server
        self._state = services.state

    def owns(self, scope: Scope) -> bool:
        """Whether a request is for this protocol."""
        return _PATHS.match(scope["path"]) is not None

    def error(self, problem: Problem) -> ErrorResponse:
        """Return a problem as text."""
        return plain_error(problem)

    def operations(self) -> Sequence[Operation]:
        """Return the operations of this protocol."""
        return [
            Operation(
                method="POST",
                path="/api/v1/ag-ui",
                name="agUiRun",
                summary="Send a message and stream the answer",
                tag="ag-ui",
                requires="chat",
                handler=self.run,
                answers={200: Answer("The events of the run.", None, EVENT_STREAM)},
            )
        ]

    async def run(self, request: Request) -> Response:
        """Start a run for the last message, and stream it; or stream it again from its start.

        A request without messages gets those of the thread.
        """
        services, settings = self._services, self._services.settings
        body = await read_request(request, RunAgentInput, services)
        options = body.options
        principal = principal_of(request)
        shows = services.sends_reasoning(options.send_reasoning, principal)
        if not body.messages:
            return await self._messages(principal, body, shows=shows)
        record = await self._record(principal, body, options)
        wire = AgUiWire(
            body.run_id,
            reasoning=shows,
            stable=body.protocol_version is not None,
        )
        following: AbstractAsyncContextManager[FrameStream] = frames_of(
            follow_run(services.runs, record, policy=services.policy(principal)), wire
        )
        if not options.resumable:
            following = stopped_on_leaving(following, services.runs, record)
        headers = {RUN_ID: record.run_id}
        return await event_stream(following, settings, self._state, headers)

    async def _messages(
        self, principal: Principal, body: RunAgentInput, *, shows: bool
    ) -> Response:
        """Return the messages of a thread, for a client that has none. No run is started."""
        fold = await self._services.runs.hub.fold(principal.owner, body.thread_id)
        runs = self._services.reader(principal).fold(fold).runs.values()
        events = snapshot(body.thread_id, body.run_id, runs, reasoning=shows)
        return Response(events, 200, None, EVENT_STREAM)

    async def _record(
        self, principal: Principal, body: RunAgentInput, options: ForwardedProps
    ) -> RunRecord:
        """Return the run of this request, which an earlier one may have started."""
        services, owner = self._services, principal.owner
        key = _key(body)
        known = await services.store.run_for_key(owner, key)
        if known is not None:
            return known
        path = (await services.runs.hub.fold(owner, body.thread_id)).runs
        last = next(reversed(path.values()), None)
        results = tool_results(body, last, services.settings.max_text_chars)
        message = body.message
        chat = ChatRequest(
            "" if message is None else message.text,
            body.thread_id,
            model=options.model,
            reasoning_effort=options.reasoning_effort,
            max_iterations=options.max_iterations,
            context=body.prompt_context,
            replaces=None if message is None or results else replaced_run(body, path),
            context_files=() if message is None else await self._files(owner, message),
        )
        asked = msgspec.structs.replace(
            run_request(chat, services, key),
            instructions=body.instructions,
            client_tools=tool_schemas(by_name(body.tools)),
            tool_results=tuple(results),
        )
        return await services.start_run(principal, asked)

    async def _files(self, owner: str, message: AgUiMessage) -> tuple[str, ...]:
        """Store the files of a message, and return their upload ids."""
        files = [part for part in message.parts if part.is_file]
        if len(files) > MAX_CONTEXT_FILES:
            raise InvalidRequest(
                f"The message has more than {MAX_CONTEXT_FILES} files.", field="messages"
            )
        return tuple([await self._stored(owner, file) for file in files])

    async def _stored(self, owner: str, file: ContentPart) -> str:
        source = file.source
        data = source.value if source is not None and source.type == "data" else file.data
        if data is not None:
            return await stored_base64(self._services, owner, data, file.name, "messages")
        url = source.value if source is not None and source.type == "url" else file.url
        return await stored_file(self._services, owner, url or "", file.name, "messages")


def _key(body: RunAgentInput) -> str:
    """Return the idempotency key of a run: a repeated request resumes it."""
    key = f"ag-ui:{body.thread_id}:{body.run_id}"
    if not body.run_id or len(key) > 255:
        raise InvalidRequest("runId must have 1 to 180 characters.", field="runId")
    return key
