"""`/v1/models` and `/v1/chat/completions`."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from thinkaloud.errors import UnknownModel
from thinkaloud.ports.model import ModelInfo
from thinkaloud.server.api.chat import WITHHELD
from thinkaloud.server.http.operation import (
    Answer,
    Operation,
    json_response,
    principal_of,
)
from thinkaloud.server.http.problems import Problem
from thinkaloud.server.protocols.bodies import read_request
from thinkaloud.server.protocols.effort import supported_effort
from thinkaloud.server.protocols.housekeeping import is_housekeeping
from thinkaloud.server.protocols.images import ImageReader
from thinkaloud.server.protocols.openai_chat.read import (
    asks_for_reasoning,
    client_tools,
    effort_of,
    options_of,
    read_messages,
    wants_reasoning,
)
from thinkaloud.server.protocols.openai_chat.requests import ChatCompletionRequest
from thinkaloud.server.protocols.protocol import ErrorResponse
from thinkaloud.server.protocols.runs import (
    CONVERSATION_ID,
    ProtocolServices,
    RunPlan,
    complete_run,
    stream_run,
)
from thinkaloud.server.schema.requests import NoQuery
from thinkaloud.server.wires.openai_chat.encode import (
    ChatCompletion,
    ChunkWire,
    completion,
)
from thinkaloud.server.wires.openai_chat.errors import error_body, error_headers, error_status

_PATHS: Final = re.compile(r"/v1(/|\Z)|/(chat/completions|responses|models)\Z")
"""With those that a client asks for if its base URL lacks `/v1`: its user reads the error."""


class Model(msgspec.Struct, frozen=True):
    """A model. `created` is not known: 0."""

    id: str
    name: str
    owned_by: str
    context_length: int | msgspec.UnsetType
    object: Literal["model"] = "model"
    created: int = 0


class ModelList(msgspec.Struct, frozen=True):
    """The models."""

    data: tuple[Model, ...]
    object: Literal["list"] = "list"


class ChatCompletions:
    """OpenAI's Chat Completions API and its model list."""

    name = "openai.chat"

    def __init__(self, services: ProtocolServices) -> None:
        self._services = services
        self._settings = services.server.wires.openai

    def owns(self, scope: Scope) -> bool:
        """Whether a request is for OpenAI's API."""
        return _PATHS.match(scope["path"]) is not None

    def error(self, problem: Problem) -> ErrorResponse:
        """Return a problem as OpenAI's error."""
        return ErrorResponse(error_status(problem), error_body(problem), error_headers(problem))

    def operations(self) -> Sequence[Operation]:
        """Return the operations."""
        return [
            Operation(
                method="GET",
                path="/v1/models",
                name="openaiModels",
                summary="List models for OpenAI's clients",
                tag="openai",
                requires="read",
                handler=self.models,
                answers={200: Answer("The models.", ModelList)},
            ),
            Operation(
                method="GET",
                path="/v1/models/{model_id:path}",
                name="openaiModel",
                summary="Describe a model for OpenAI's clients",
                tag="openai",
                requires="read",
                handler=self.model,
                answers={200: Answer("The model.", Model)},
            ),
            Operation(
                method="POST",
                path="/v1/chat/completions",
                name="openaiChatCompletion",
                summary="Create a chat completion",
                tag="openai",
                requires="chat",
                handler=self.create,
                body=ChatCompletionRequest,
                query=NoQuery,
                answers={
                    200: Answer("The completion, or its chunks.", ChatCompletion, also_stream=True)
                },
            ),
        ]

    async def models(self, request: Request) -> Response:
        """List the models."""
        principal = principal_of(request)
        found = await self._services.server.catalogue.models()
        return json_response(
            ModelList(tuple(_model(info) for info in found if principal.may_use(info.id)))
        )

    async def model(self, request: Request) -> Response:
        """Describe a model."""
        wanted: str = request.path_params["model_id"]
        info = self._services.server.catalogue.open(wanted).info
        if not principal_of(request).may_use(info.id):
            raise UnknownModel(wanted)
        return json_response(_model(info))

    async def create(self, request: Request) -> Response:
        """Run the model, and return its response as a whole or in chunks."""
        asked = await read_request(request, ChatCompletionRequest, self._services.server)
        wanted = wants_reasoning(
            asks_for_reasoning(asked), request.headers, default=self._settings.include_reasoning
        )
        shows = self._services.server.sends_reasoning(wanted, principal_of(request))
        headers = {WITHHELD: "policy"} if wanted and not shows else {}
        plan = await self._plan(request, asked, headers)
        field = asked.reasoning_field or principal_of(request).reasoning_field
        field = (field or self._settings.reasoning_field) if shows else None
        if not asked.stream:
            run = await complete_run(request, self._services, plan)
            return json_response(completion(run, field), headers=plan.headers)
        usage = asked.stream_options is not None and bool(asked.stream_options.include_usage)
        return await stream_run(
            request, self._services, plan, ChunkWire(field, include_usage=usage)
        )

    async def _plan(
        self, request: Request, asked: ChatCompletionRequest, headers: Mapping[str, str]
    ) -> RunPlan:
        services, principal = self._services, principal_of(request)
        info = services.model(principal, asked.model)
        options, tools = options_of(asked), client_tools(asked)
        history = await services.history(principal.owner)
        await read_messages(asked.messages, history, ImageReader(services.url_guard, "messages"))
        given = history.build()
        cheap = is_housekeeping(
            given.text,
            streams=bool(asked.stream),
            tools=bool(tools),
            max_tokens=options.max_output_tokens,
        )
        stored_in = None if cheap else request.headers.get(CONVERSATION_ID)
        run = msgspec.structs.replace(
            given.request(stored_in),
            model=asked.model or None,
            reasoning_effort=supported_effort(
                effort_of(asked) or ("none" if cheap else None), info
            ),
            client_tools=tools,
            server_tools=not cheap,
            options=options,
        )
        return services.plan(
            principal.owner, given.last, run, headers, saves=asked.store is not False
        )


def _model(info: ModelInfo) -> Model:
    return Model(info.id, info.name, info.provider, info.max_tokens or msgspec.UNSET)
