"""The ASGI application: all routes and sockets behind one guard."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import msgspec
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from thinkaloud.auth.keyring import Ended
from thinkaloud.errors import ThinkaloudError
from thinkaloud.ports.tasks import owned_tasks
from thinkaloud.server.access.actor import count_forbidden
from thinkaloud.server.access.keys import KeyRoutes
from thinkaloud.server.access.session import SessionRoutes
from thinkaloud.server.api.approvals import ApprovalRoutes
from thinkaloud.server.api.branch_export import BranchExportRoutes
from thinkaloud.server.api.chat import ChatRoutes
from thinkaloud.server.api.conversations import ConversationRoutes
from thinkaloud.server.api.diagnostics import DiagnosticRoutes
from thinkaloud.server.api.log import LogRoutes
from thinkaloud.server.api.metrics import Metrics
from thinkaloud.server.api.models import ModelRoutes
from thinkaloud.server.api.runs import RunRoutes
from thinkaloud.server.api.system import SystemRoutes
from thinkaloud.server.api.uploads import UploadRoutes
from thinkaloud.server.api.versions import VersionRoutes
from thinkaloud.server.api_docs.routes import DocRoutes
from thinkaloud.server.http.guard import Guard
from thinkaloud.server.http.operation import Operation, Resource, principal_of
from thinkaloud.server.http.site_path import BasePath
from thinkaloud.server.protocols.ag_ui.protocol import AgUi
from thinkaloud.server.protocols.ai_sdk.protocol import AiSdk
from thinkaloud.server.protocols.anthropic_messages.protocol import AnthropicMessages
from thinkaloud.server.protocols.expiry import trim_periodically
from thinkaloud.server.protocols.gate import ProtocolGate
from thinkaloud.server.protocols.ollama.protocol import Ollama
from thinkaloud.server.protocols.openai_chat.protocol import ChatCompletions
from thinkaloud.server.protocols.openai_responses.protocol import Responses
from thinkaloud.server.protocols.protocol import ClientProtocol
from thinkaloud.server.protocols.runs import ProtocolServices
from thinkaloud.server.protocols.turn_memory import LIMITS, TurnMemory
from thinkaloud.server.services import ServerServices, ServerState
from thinkaloud.server.sockets.chat.socket import PATH, ChatSocket
from thinkaloud.server.sockets.page.socket import CHANNEL_PATH, ChannelSocket
from thinkaloud.server.web.bundle import BootstrapRoutes, WebUi
from thinkaloud.server.wire_settings import DAY_MS
from thinkaloud.tools.url_guard import UrlGuard


class OwnRoutes(Router):
    """Our routes, each with an optional trailing slash. Other paths are passed on unchanged.

    A path without parameters is looked up: trying all routes takes longer than handling a message.
    """

    def __init__(self, routes: list[BaseRoute], default: ASGIApp) -> None:
        super().__init__(routes, redirect_slashes=False, default=default)
        self._fixed: dict[tuple[str, str], Route | WebSocketRoute] = {}
        for route in routes:
            if isinstance(route, Route | WebSocketRoute) and not route.param_convertors:
                kind = "http" if isinstance(route, Route) else "websocket"
                scope: Scope = {"type": kind, "path": route.path, "method": "GET"}
                first = next(each for each in routes if each.matches(scope)[0] is not Match.NONE)
                if first is route:
                    self._fixed[kind, route.path] = route

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route a request."""
        path: str = scope.get("path", "")
        fixed = self._fixed.get((scope["type"], path))
        if fixed is not None:
            match, found = fixed.matches(scope)
            if match is Match.FULL:
                scope.setdefault("router", self)
                scope["route"] = fixed
                scope.update(found)
                await fixed.handle(scope, receive, send)
                return
        if len(path) > 1 and path.endswith("/"):
            without = {**scope, "path": path[:-1]}
            if any(route.matches(without)[0] is not Match.NONE for route in self.routes):
                scope = without
        await super().__call__(scope, receive, send)


class _ForPrincipals:
    """Passes requests to routes that were added later only with a valid credential."""

    def __init__(self, app: ASGIApp, otherwise: ASGIApp) -> None:
        self._app = app
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        try:
            principal_of(scope)
        except ThinkaloudError:
            await self._otherwise(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class AgentApp(Starlette):
    """Starlette with our routes right behind the guard, before middleware and routes added later.

    A streamed frame passes through the guard only: each further layer would slow down every token.
    """

    def __init__(
        self,
        services: ServerServices,
        operations: Sequence[Operation],
        routes: list[BaseRoute],
        web: WebUi,
        protocols: "_Protocols",
        state: ServerState,
    ) -> None:
        super().__init__()
        self.operations = operations
        """All HTTP operations: ours, and those of other protocols."""
        self.router.redirect_slashes = False
        self.router.default = web
        self.state.services = services
        self._settings = services.settings
        self._authenticator = services.authenticator
        self._access = services.access
        self._own_routes = routes
        self._protocols = protocols
        self._clock = services.clock
        self._runs = services.runs
        self._open_streams = state.open_streams

    async def end(self, ended: Ended) -> None:
        """Close the streams and sockets of credentials that ended or changed.

        Runs of keys that ended are stopped.
        """
        self._open_streams.close(ended.credentials, "ended")
        self._open_streams.close(ended.changed, "changed")
        await self._runs.admission.stop_runs_of(ended.key_ids)

    @asynccontextmanager
    async def expiring(self) -> AsyncGenerator[None]:
        """Delete what protocols have kept for too long, until the block is left."""
        async with owned_tasks() as tasks:
            trims = [self._protocols.memory.trim, self._protocols.responses.trim]
            trimming = tasks.create_task(trim_periodically(trims, self._clock))
            try:
                yield
            finally:
                trimming.cancel()

    def _count_forbidden(self, scope: Scope) -> None:
        count_forbidden(self._access, scope)

    @override
    def build_middleware_stack(self) -> ASGIApp:
        """Return the protocols' gate, the guard, our routes, then Starlette's own stack."""
        others = _ForPrincipals(super().build_middleware_stack(), self.router.default)
        own = OwnRoutes(self._own_routes, others)
        guard = Guard(own, self._settings, self._authenticator, self._count_forbidden)
        gate = ProtocolGate(guard, self._protocols.all)
        base = self._settings.base_path
        return BasePath(gate, base) if base else gate


def create_app(services: ServerServices) -> AgentApp:
    """Return the application. `services.runs` must stay open for as long as it serves."""
    state = ServerState(services)
    metrics = Metrics(services, state)
    system = SystemRoutes(services, state)
    operations = [
        *ChatRoutes(services, state).operations(),
        *RunRoutes(services, state).operations(),
        *ApprovalRoutes(services).operations(),
        *ConversationRoutes(services, state).operations(),
        *LogRoutes(services, state).operations(),
        *BranchExportRoutes(services).operations(),
        *VersionRoutes(services).operations(),
        *UploadRoutes(services).operations(),
        *ModelRoutes(services, state).operations(),
        *system.operations(),
        *DiagnosticRoutes(services, state).operations(),
        *SessionRoutes(services).operations(),
        *KeyRoutes(services).operations(),
        *BootstrapRoutes(services, system).operations(),
        *metrics.operations(),
    ]
    operations.extend(DocRoutes(services, tuple(operations)).operations())
    # Described by their own specifications, not by our API documents.
    protocols = _Protocols(services, state)
    web = WebUi(services.bundle, services.settings.base_path)
    operations.extend(each for protocol in protocols.all for each in protocol.operations())
    routes = _routes(operations, metrics)
    # At the root, browsers get the web page and other clients the JSON.
    (root,) = (each for each in routes if isinstance(each, Route) and each.path == "/")
    root.app = web.or_page(root.app)
    routes.append(WebSocketRoute(PATH, ChatSocket(services, state)))
    if services.websocket.settings.enabled:
        routes.append(WebSocketRoute(CHANNEL_PATH, ChannelSocket(services, state)))
    return AgentApp(services, operations, routes, web, protocols, state)


class _Protocols:
    """The protocols of other ecosystems."""

    def __init__(self, services: ServerServices, state: ServerState) -> None:
        days = services.wires.remember_days
        limits = LIMITS
        if days:
            limits = msgspec.structs.replace(LIMITS, max_age_ms=days * DAY_MS)
        self.memory = TurnMemory(services.records if days else None, limits, services.clock)
        means = ProtocolServices(services, state, self.memory, UrlGuard())
        self.responses = Responses(means)
        self.all: Sequence[ClientProtocol] = [
            self.responses,
            AnthropicMessages(means),
            ChatCompletions(means),
            Ollama(means),
            AiSdk(means),
            AgUi(means),
        ]
        """Of those that own a path, the first one has it."""


def _routes(operations: list[Operation], metrics: Metrics) -> list[BaseRoute]:
    by_path: dict[str, list[Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, []).append(operation)
    return [
        Route(path, Resource(path, of_path, metrics), include_in_schema=False)
        for path, of_path in by_path.items()
    ]
