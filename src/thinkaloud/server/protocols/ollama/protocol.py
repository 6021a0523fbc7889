"""`/api/chat`, `/api/generate` and the model list of Ollama's API."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from thinkaloud.errors import UnknownModel
from thinkaloud.events.prompt import Effort, ToolSchema
from thinkaloud.ports.model import ModelInfo
from thinkaloud.ports.principal import Requirement
from thinkaloud.server.api.chat import WITHHELD
from thinkaloud.server.http.operation import (
    JSON,
    NDJSON,
    Answer,
    Handler,
    Method,
    Operation,
    json_response,
    principal_of,
)
from thinkaloud.server.http.problems import Problem
from thinkaloud.server.protocols.bodies import read_request
from thinkaloud.server.protocols.effort import supported_effort
from thinkaloud.server.protocols.history import HistoryBuilder
from thinkaloud.server.protocols.images import ImageReader
from thinkaloud.server.protocols.ollama.read import (
    client_tools,
    options_of,
    read_images,
    read_messages,
)
from thinkaloud.server.protocols.ollama.requests import (
    ChatRequest,
    GenerateRequest,
    Generation,
    ShowRequest,
)
from thinkaloud.server.protocols.protocol import ErrorResponse
from thinkaloud.server.protocols.runs import (
    CONVERSATION_ID,
    ProtocolServices,
    complete_run,
    stream_run,
)
from thinkaloud.server.streams.sse import StreamKind
from thinkaloud.server.wires.ollama.encode import (
    Endpoint,
    OllamaWire,
    complete,
    error_line,
    heartbeat,
    loaded,
    timestamp,
)

VERSION: Final = "0.12.0"
"""The version of Ollama's API that this is: clients compare it with what they need."""
_PATHS: Final = re.compile(
    r"/api/(tags|ps|version|show|chat|generate|embed|embeddings|pull|push|create|copy|delete|blobs)"
    r"(/|\Z)"
)
_LATEST: Final = ":latest"
_STATUS: Final = {422: 400}
"""The statuses that differ from those of our own API."""
Body = Mapping[str, object]


class Ollama:
    """Ollama's API, for the models of this server. It manages no models."""

    name = "ollama"

    def __init__(self, services: ProtocolServices) -> None:
        self._services = services
        self._server = services.server

    def owns(self, scope: Scope) -> bool:
        """Whether a request is for Ollama's API, or for a part of it that is not there."""
        return _PATHS.match(scope["path"]) is not None

    def error(self, problem: Problem) -> ErrorResponse:
        """Return a problem as Ollama's error."""
        status = _STATUS.get(problem.status, problem.status)
        return ErrorResponse(status, error_line(problem.detail).rstrip(b"\n"))

    def operations(self) -> Sequence[Operation]:
        """Return the operations."""
        found: list[tuple[Method, str, str, str, Requirement, Handler]] = [
            ("GET", "/api/version", "ollamaVersion", "Get the version", "read", self.version),
            ("GET", "/api/tags", "ollamaModels", "List models", "read", self.tags),
            ("GET", "/api/ps", "ollamaLoaded", "List loaded models", "read", self.ps),
            ("POST", "/api/show", "ollamaModel", "Describe a model", "read", self.show),
            ("POST", "/api/chat", "ollamaChat", "Answer a conversation", "chat", self.chat),
            ("POST", "/api/generate", "ollamaGenerate", "Answer a prompt", "chat", self.generate),
        ]
        return [_operation(*each) for each in found]

    async def version(self, request: Request) -> Response:
        """Return the version of the API."""
        del request
        return json_response({"version": VERSION})

    async def tags(self, request: Request) -> Response:
        """List the models."""
        principal = principal_of(request)
        found = await self._server.catalogue.models()
        now_ms = self._server.clock.unix_ms()
        models = [_entry(info, now_ms) for info in found if principal.may_use(info.id)]
        return json_response({"models": models})

    async def ps(self, request: Request) -> Response:
        """List the loaded models: none, because this server loads no models."""
        del request
        return json_response({"models": []})

    async def show(self, request: Request) -> Response:
        """Describe a model."""
        asked = await read_request(request, ShowRequest, self._server)
        name = asked.model or asked.name or ""
        info = self._server.catalogue.open(self._known(name)).info
        if not principal_of(request).may_use(info.id):
            raise UnknownModel(name)
        family = info.provider
        abilities = {"vision": info.images, "thinking": info.reasoning.supported}
        model_info: dict[str, object] = {"general.architecture": family}
        if info.max_tokens is not None:
            model_info[f"{family}.context_length"] = info.max_tokens
        return json_response(
            {
                "modelfile": "",
                "parameters": "",
                "template": "",
                "details": _details(info),
                "model_info": model_info,
                "capabilities": [
                    "completion",
                    "tools",
                    *(name for name, has in abilities.items() if has),
                ],
                "modified_at": timestamp(self._server.clock.unix_ms()),
            }
        )

    async def chat(self, request: Request) -> Response:
        """Run the model on the messages of a conversation."""
        asked = await read_request(request, ChatRequest, self._server)
        if not asked.messages:
            return self._loaded(request, asked, "chat")
        history = await self._history(request)
        read_messages(asked.messages, history, self._images("messages"))
        tools = client_tools(asked.tools)
        return await self._respond(request, asked, "chat", history, tools)

    async def generate(self, request: Request) -> Response:
        """Run the model on a prompt."""
        asked = await read_request(request, GenerateRequest, self._server)
        if not asked.prompt and not asked.images:
            return self._loaded(request, asked, "generate")
        history = await self._history(request)
        history.system(asked.system or "")
        history.user(asked.prompt or "", read_images(asked.images, self._images("images")))
        return await self._respond(request, asked, "generate", history, ())

    async def _respond(
        self,
        request: Request,
        asked: Generation,
        endpoint: Endpoint,
        history: HistoryBuilder,
        tools: tuple[ToolSchema, ...],
    ) -> Response:
        services, principal = self._services, principal_of(request)
        given = history.build()
        stored_in = request.headers.get(CONVERSATION_ID)
        model = services.model(principal, self._known(asked.model))
        run = msgspec.structs.replace(
            given.request(stored_in),
            model=model.id,
            reasoning_effort=_effort(asked.think, model),
            client_tools=tools,
            options=options_of(asked),
        )
        wanted = asked.think not in {None, False}
        reasoning = self._server.sends_reasoning(wanted, principal)
        headers = {WITHHELD: "policy"} if wanted and not reasoning else {}
        plan = services.plan(principal.owner, given.last, run, headers, has_ids=False)
        if asked.stream is False:
            fold = await complete_run(request, services, plan)
            body = complete(fold, asked.model, endpoint, reasoning=reasoning)
            return Response(body, 200, dict(plan.headers), JSON)
        wire = OllamaWire(asked.model, endpoint, reasoning=reasoning)
        beat = heartbeat(asked.model, self._server.clock.unix_ms(), endpoint)
        kind = StreamKind(NDJSON, beat, opening=b"")
        return await stream_run(request, services, plan, wire, kind)

    def _loaded(self, request: Request, asked: Generation, endpoint: Endpoint) -> Response:
        self._services.model(principal_of(request), self._known(asked.model))
        body = loaded(asked.model, self._server.clock.unix_ms(), endpoint)
        return Response(body, 200, None, JSON)

    async def _history(self, request: Request) -> HistoryBuilder:
        return await self._services.history(principal_of(request).owner, has_ids=False)

    def _images(self, field: str) -> ImageReader:
        return ImageReader(self._services.url_guard, field)

    def _known(self, name: str) -> str:
        """Return a model's name without `:latest`, unless that is a part of the model's id."""
        if name.endswith(_LATEST):
            try:
                self._server.catalogue.open(name)
            except UnknownModel:
                return name.removesuffix(_LATEST)
        return name


def _effort(think: bool | str | None, info: ModelInfo) -> Effort | None:
    """Return the effort that a client asks for; None: the default one."""
    if isinstance(think, str):
        return supported_effort(think, info)
    if think is False:
        return supported_effort("none", info)
    return None


def _operation(
    method: Method, path: str, name: str, summary: str, requires: Requirement, handler: Handler
) -> Operation:
    return Operation(
        method=method,
        path=path,
        name=name,
        summary=summary,
        tag="ollama",
        requires=requires,
        handler=handler,
        answers={200: Answer("The response, as one object or as lines.", None)},
    )


def _entry(info: ModelInfo, now_ms: int) -> Body:
    # A name without a tag means `:latest`, which clients add themselves.
    name = info.id if ":" in info.id else f"{info.id}{_LATEST}"
    return {
        "name": name,
        "model": name,
        "modified_at": timestamp(now_ms),
        "size": 0,
        "digest": hashlib.sha256(info.id.encode()).hexdigest(),
        "details": _details(info),
    }


def _details(info: ModelInfo) -> Body:
    return {
        "parent_model": "",
        "format": "",
        "family": info.provider,
        "families": [info.provider],
        "parameter_size": "",
        "quantization_level": "",
    }
