"""`/v1/messages`, and `/v1/models` for clients of Anthropic's API."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from thinkaloud.core.context_window import tokens, tokens_of_frame
from thinkaloud.errors import UnknownModel
from thinkaloud.events.prompt import Image
from thinkaloud.server.api.chat import WITHHELD
from thinkaloud.server.http.operation import (
    Answer,
    Operation,
    json_response,
    principal_of,
    request_id_of,
)
from thinkaloud.server.http.parsing import read_query
from thinkaloud.server.http.problems import Problem
from thinkaloud.server.protocols.anthropic_messages.models import Model, ModelPage, listed, page
from thinkaloud.server.protocols.anthropic_messages.read import (
    ReadImage,
    client_tools,
    effort_of,
    options_of,
    read_request_history,
    wants_reasoning,
)
from thinkaloud.server.protocols.anthropic_messages.requests import (
    CountTokensRequest,
    MessagesRequest,
    ModelsQuery,
    Source,
)
from thinkaloud.server.protocols.bodies import read_request
from thinkaloud.server.protocols.effort import supported_effort
from thinkaloud.server.protocols.history import GivenHistory
from thinkaloud.server.protocols.housekeeping import is_housekeeping
from thinkaloud.server.protocols.images import ImageReader
from thinkaloud.server.protocols.protocol import ErrorResponse
from thinkaloud.server.protocols.runs import (
    CONVERSATION_ID,
    ProtocolServices,
    RunPlan,
    complete_run,
    stream_run,
)
from thinkaloud.server.protocols.signatures import ReasoningSignatures
from thinkaloud.server.schema.requests import NoQuery
from thinkaloud.server.wires.anthropic_messages.blocks import Message, Shown, complete_message
from thinkaloud.server.wires.anthropic_messages.encode import MessageWire
from thinkaloud.server.wires.anthropic_messages.errors import (
    error_body,
    error_headers,
    error_status,
)

_MESSAGES: Final = re.compile(r"/v1/messages(/|\Z)")
_SHARED: Final = re.compile(r"/v1(/|\Z)")
_VERSION: Final = b"anthropic-version"
_NOT_FETCHED: Final = Image("image/png", "")
"""Stands for an image whose tokens are counted."""


class TokenCount(msgspec.Struct, frozen=True):
    """The tokens of a request."""

    input_tokens: int


class AnthropicMessages:
    """Anthropic's Messages API and its model list."""

    name = "anthropic.messages"

    def __init__(self, services: ProtocolServices) -> None:
        self._services = services
        self._signs: ReasoningSignatures | None = None

    def owns(self, scope: Scope) -> bool:
        """Whether a request is for Anthropic's API: by its path, or by its header below `/v1`."""
        path: str = scope["path"]
        return _MESSAGES.match(path) is not None or (
            _SHARED.match(path) is not None and _has_version(scope)
        )

    def error(self, problem: Problem) -> ErrorResponse:
        """Return a problem as Anthropic's error."""
        return ErrorResponse(error_status(problem), error_body(problem), error_headers(problem))

    def operations(self) -> Sequence[Operation]:
        """Return the operations."""
        return [
            Operation(
                method="GET",
                path="/v1/models",
                name="anthropicModels",
                summary="List models for Anthropic's clients",
                tag="anthropic",
                requires="read",
                handler=self.models,
                query=ModelsQuery,
                answers={200: Answer("The models.", ModelPage)},
                takes=_has_version,
            ),
            Operation(
                method="GET",
                path="/v1/models/{model_id:path}",
                name="anthropicModel",
                summary="Describe a model for Anthropic's clients",
                tag="anthropic",
                requires="read",
                handler=self.model,
                answers={200: Answer("The model.", Model)},
                takes=_has_version,
            ),
            Operation(
                method="POST",
                path="/v1/messages",
                name="anthropicMessage",
                summary="Create a message",
                tag="anthropic",
                requires="chat",
                handler=self.create,
                body=MessagesRequest,
                query=NoQuery,
                answers={200: Answer("The message, or its events.", Message, also_stream=True)},
            ),
            Operation(
                method="POST",
                path="/v1/messages/count_tokens",
                name="anthropicTokens",
                summary="Estimate the tokens of a request",
                tag="anthropic",
                requires="chat",
                handler=self.count,
                body=CountTokensRequest,
                answers={200: Answer("The number of tokens.", TokenCount)},
            ),
        ]

    async def models(self, request: Request) -> Response:
        """List the models."""
        principal = principal_of(request)
        query = read_query(request, ModelsQuery)
        found = await self._services.server.catalogue.models()
        return json_response(page([info for info in found if principal.may_use(info.id)], query))

    async def model(self, request: Request) -> Response:
        """Describe a model."""
        wanted: str = request.path_params["model_id"]
        info = self._services.server.catalogue.open(wanted).info
        if not principal_of(request).may_use(info.id):
            raise UnknownModel(wanted)
        return json_response(listed(info))

    async def create(self, request: Request) -> Response:
        """Run the model, and return its response as a whole or as events."""
        services, principal = self._services, principal_of(request)
        asked = await read_request(request, MessagesRequest, services.server)
        wanted = wants_reasoning(asked)
        shows = services.server.sends_reasoning(wanted, principal)
        headers = {"request-id": request_id_of(request.scope)}
        if wanted and not shows:
            headers[WITHHELD] = "policy"
        signatures = await self._signatures()
        shown = Shown(
            partial(signatures.sign, principal.owner) if shows else None,
            services.server.wires.anthropic.server_tools,
        )
        plan = await self._plan(request, asked, headers)
        if asked.stream:
            return await stream_run(request, services, plan, MessageWire(shown))
        run = await complete_run(request, services, plan)
        return json_response(complete_message(run.view(), run.ended, shown), headers=plan.headers)

    async def count(self, request: Request) -> Response:
        """Estimate the tokens of a request."""
        asked = await read_request(request, CountTokensRequest, self._services.server)
        self._services.model(principal_of(request), asked.model)
        given = await self._history(request, asked, self._without_fetching)
        last = () if given.last is None else (given.last,)
        turns = given.turns if given.last in given.turns[-1:] else (*given.turns, *last)
        frame = tokens_of_frame(given.system, client_tools(asked))
        return json_response(TokenCount(frame + tokens(turns)))

    async def _plan(
        self, request: Request, asked: MessagesRequest, headers: dict[str, str]
    ) -> RunPlan:
        info = self._services.model(principal_of(request), asked.model)
        options, tools = options_of(asked), client_tools(asked)
        given = await self._history(request, asked, self._fetching())
        cheap = is_housekeeping(
            given.text,
            streams=bool(asked.stream),
            tools=bool(tools),
            max_tokens=asked.max_tokens,
        )
        stored_in = None if cheap else request.headers.get(CONVERSATION_ID)
        run = msgspec.structs.replace(
            given.request(stored_in),
            model=asked.model,
            reasoning_effort=supported_effort(effort_of(asked, cheap=cheap), info),
            client_tools=tools,
            server_tools=not cheap,
            options=options,
        )
        return self._services.plan(principal_of(request).owner, given.last, run, headers)

    async def _signatures(self) -> ReasoningSignatures:
        if self._signs is None:
            key = await self._services.server.records.secret("reasoning signatures")
            self._signs = ReasoningSignatures(key)
        return self._signs

    async def _history(
        self, request: Request, asked: CountTokensRequest, read_image: ReadImage
    ) -> GivenHistory:
        owner = principal_of(request).owner
        history = await self._services.history(owner)
        signatures = await self._signatures()
        verify = partial(signatures.verify, owner, asked.model)
        await read_request_history(asked, history, read_image, verify)
        return history.build()

    def _fetching(self) -> ReadImage:
        """Return a function that reads the images of one request, also those named by a URL."""
        reader = ImageReader(self._services.url_guard, "messages")

        async def read(source: Source) -> Image:
            if source.type == "url":
                return await reader.read(source.url or "")
            return reader.decode(source.data or "")

        return read

    async def _without_fetching(self, source: Source) -> Image:
        if source.type == "url":
            return _NOT_FETCHED
        return ImageReader(self._services.url_guard, "messages").decode(source.data or "")


def _has_version(scope: Scope) -> bool:
    """Whether a request has the header that all clients of Anthropic's API send."""
    return any(name == _VERSION for name, _ in scope["headers"])
