"""`/ai-sdk/chat` and below: the server's side of the AI SDK's chat transport."""

import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import ToolResult
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.run_stream import follow_run
from thinkaloud.runtime.runs.request import MAX_CONTEXT_FILES, RunRequest
from thinkaloud.server.http.operation import (
    EVENT_STREAM,
    Answer,
    Operation,
    json_response,
    principal_of,
)
from thinkaloud.server.http.parsing import read_query, refuse_form
from thinkaloud.server.http.problems import Problem
from thinkaloud.server.protocols.ai_sdk.request import (
    ChatBody,
    ReconnectQuery,
    UIMessage,
    replaced_run,
    tool_results,
)
from thinkaloud.server.protocols.bodies import read_request
from thinkaloud.server.protocols.client_tools import tool_schemas
from thinkaloud.server.protocols.data_urls import stored_file
from thinkaloud.server.protocols.hang_up import stopped_on_leaving
from thinkaloud.server.protocols.plain_errors import plain_error
from thinkaloud.server.protocols.protocol import ErrorResponse
from thinkaloud.server.protocols.runs import RUN_ID, ProtocolServices
from thinkaloud.server.run_request import run_request
from thinkaloud.server.schema.requests import ChatRequest
from thinkaloud.server.streams.frames import FrameStream, frames_of
from thinkaloud.server.streams.sse import event_stream
from thinkaloud.server.wires.ai_sdk.encode import AiSdkWire
from thinkaloud.server.wires.ai_sdk.messages import ui_messages

VERSION_HEADER: Final = {"x-vercel-ai-ui-message-stream": "v1"}
"""Identifies the protocol and its version; clients require or ignore it."""
_PATH: Final = "/api/v1/ai-sdk/chat"
_PATHS: Final = re.compile(r"/api/v1/ai-sdk(/|\Z)")


class AiSdk:
    """`/ai-sdk/chat` and below. Errors are plain text, which the client shows as they are."""

    name = "ai-sdk"

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
        stream = Answer("The UI message stream.", None, EVENT_STREAM)
        return [
            Operation(
                method="POST",
                path=_PATH,
                name="aiSdkChat",
                summary="Send a message and stream the answer",
                tag="ai-sdk",
                requires="chat",
                handler=self.chat,
                answers={200: stream},
            ),
            Operation(
                method="GET",
                path=f"{_PATH}/{{chat_id}}",
                name="aiSdkMessages",
                summary="Get the messages of a chat",
                tag="ai-sdk",
                requires="read",
                handler=self.messages,
                query=ReconnectQuery,
                answers={200: Answer("The messages, as `UIMessage`s.", None)},
            ),
            Operation(
                method="GET",
                path=f"{_PATH}/{{chat_id}}/stream",
                name="aiSdkResume",
                summary="Resume the stream of a chat",
                tag="ai-sdk",
                requires="read",
                handler=self.resume,
                query=ReconnectQuery,
                answers={200: stream, 204: Answer("No run is active.", None, media_type=None)},
            ),
            Operation(
                method="POST",
                path=f"{_PATH}/{{chat_id}}/stop",
                name="aiSdkStop",
                summary="Stop the runs of a chat",
                tag="ai-sdk",
                requires="chat",
                handler=self.stop,
                answers={200: Answer("The runs that were stopped.", None)},
            ),
        ]

    async def chat(self, request: Request) -> Response:
        """Start a run for the last message, and stream it."""
        services = self._services
        body = await read_request(request, ChatBody, services)
        principal = principal_of(request)
        asked = await self._run_request(principal.owner, body)
        record = await services.start_run(principal, asked)
        continued = body.continued_message
        wire = AiSdkWire(
            reasoning=services.sends_reasoning(body.send_reasoning, principal),
            # Otherwise, the client shows the rest of the answer as another message.
            message_id=continued.id if continued is not None else None,
        )
        policy = services.policy(principal)
        following = frames_of(follow_run(services.runs, record, policy=policy), wire)
        if not body.resumable:
            following = stopped_on_leaving(
                following, services.runs, record, temporary=asked.temporary
            )
        return await self._stream(following, record)

    async def messages(self, request: Request) -> Response:
        """Get the messages of a chat, to begin with after a reload. A new chat has none."""
        query = read_query(request, ReconnectQuery)
        principal, chat_id = principal_of(request), request.path_params["chat_id"]
        fold = await self._services.runs.hub.fold(principal.owner, chat_id)
        fold = self._services.reader(principal).fold(fold)
        shows = self._services.sends_reasoning(query.send_reasoning, principal)
        return json_response(ui_messages(chat_id, fold.runs.values(), reasoning=shows))

    async def resume(self, request: Request) -> Response:
        """Stream the active run of a chat from its first chunk."""
        services = self._services
        query = read_query(request, ReconnectQuery)
        principal = principal_of(request)
        record = await self._active(principal.owner, request.path_params["chat_id"])
        if record is None:
            return Response(status_code=204)
        shows = services.sends_reasoning(query.send_reasoning, principal)
        following = follow_run(services.runs, record, policy=services.policy(principal))
        return await self._stream(frames_of(following, AiSdkWire(reasoning=shows)), record)

    async def stop(self, request: Request) -> Response:
        """Stop all runs of a chat. Stopping a chat without any has no effect."""
        refuse_form(request)
        owner, runs = principal_of(request).owner, self._services.runs
        found = await runs.open_runs.in_conversation(owner, request.path_params["chat_id"])
        for run_id in found:
            await runs.stop(owner, run_id)
        return json_response({"stopped": found})

    async def _stream(
        self, following: AbstractAsyncContextManager[FrameStream], record: RunRecord
    ) -> Response:
        headers = {**VERSION_HEADER, RUN_ID: record.run_id}
        return await event_stream(following, self._services.settings, self._state, headers)

    async def _run_request(self, owner: str, body: ChatBody) -> RunRequest:
        """Return the run that the request asks for."""
        services = self._services
        continued = body.continued_message
        chat = ChatRequest(
            "",
            body.id,
            temporary=body.id is None,
            model=body.model,
            reasoning_effort=body.reasoning_effort,
            max_iterations=body.max_iterations,
        )
        results: list[ToolResult] = []
        if continued is None or body.regenerates:
            chat = await self._with_message(owner, body, chat)
        else:
            path = await self._path(owner, body)
            last = next(reversed(path.values()), None)
            results = tool_results(continued, last, services.settings.max_text_chars)
        return msgspec.structs.replace(
            run_request(chat, services),
            instructions=body.instructions,
            client_tools=tool_schemas(body.declared_tools),
            tool_results=tuple(results),
        )

    async def _with_message(self, owner: str, body: ChatBody, chat: ChatRequest) -> ChatRequest:
        """Return the request with the user's message. Stores its files."""
        message = body.message
        changes = body.regenerates or body.edits
        path: dict[str, RunFold] = await self._path(owner, body) if changes else {}
        replaces = replaced_run(body, path)
        again = path[replaces] if replaces is not None and body.regenerates else None
        return msgspec.structs.replace(
            chat,
            text=message.text if again is None else again.started.input.text,
            replaces=replaces,
            # A run that answers the same message again has the same files.
            context_files=await self._files(owner, message) if again is None else None,
        )

    async def _path(self, owner: str, body: ChatBody) -> dict[str, RunFold]:
        """Return the runs of the conversation by id, oldest first."""
        if body.id is None:
            return {}
        return (await self._services.runs.hub.fold(owner, body.id)).runs

    async def _files(self, owner: str, message: UIMessage) -> tuple[str, ...]:
        """Store the files of a message, and return their upload ids."""
        files = message.files
        if len(files) > MAX_CONTEXT_FILES:
            raise InvalidRequest(
                f"The message has more than {MAX_CONTEXT_FILES} files.", field="messages"
            )
        return tuple(
            [
                await stored_file(self._services, owner, file.url, file.filename or "", "messages")
                for file in files
            ]
        )

    async def _active(self, owner: str, chat_id: str) -> RunRecord | None:
        """Return the latest active run of a chat, if any."""
        runs = self._services.runs
        found = await runs.open_runs.in_conversation(owner, chat_id)
        try:
            return await runs.record(owner, found[-1]) if found else None
        except NotFound:
            return None
