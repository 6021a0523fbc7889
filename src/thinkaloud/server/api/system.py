"""Server information, health and capabilities."""

import platform
from collections.abc import Mapping
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.errors import ThinkaloudError
from thinkaloud.ports.model import ReasoningAbility
from thinkaloud.ports.principal import Principal, ReasoningPolicy, Requirement
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.server.api.health_checks import Check, Health, run_checks
from thinkaloud.server.http.operation import (
    Answer,
    Handler,
    Operation,
    check_permission,
    json_response,
    principal_of,
)
from thinkaloud.server.schema.responses import ModelView, model_view
from thinkaloud.server.services import ServerServices, ServerState


class HealthReport(msgspec.Struct, frozen=True):
    """The health of the server, determined by its worst check."""

    status: Health
    checks: dict[str, Check] = {}
    """Empty if the caller may not read them."""


class Liveness(msgspec.Struct, frozen=True):
    """The process is alive."""

    status: Literal["alive"]


class ServerLimits(msgspec.Struct, frozen=True):
    """Limits of requests and runs."""

    max_body_bytes: int
    max_text_chars: int
    max_json_depth: int
    max_sockets: int
    max_event_streams: int
    max_active_runs: int
    run: Limits


class SystemInfo(msgspec.Struct, frozen=True):
    """Server information. No secrets."""

    name: str
    version: str
    python: str
    platform: str
    uptime_seconds: float
    model: str
    demo: bool
    channels: tuple[str, ...]
    tools: tuple[str, ...]
    stores: tuple[str, ...]
    limits: ServerLimits


class ReplicaStatus(msgspec.Struct, frozen=True):
    """A server that shares the database."""

    name: str
    version: str
    state: Literal["alive", "draining"]
    started_at_ms: int
    active_runs: int
    followers: int
    """Streams that follow a conversation or a run."""


class SystemStatus(msgspec.Struct, frozen=True):
    """Live counts. Those that are not of runs or replicas are of the server that answers."""

    uptime_seconds: float
    active_runs: int
    """On all replicas."""
    open_conversations: int
    open_sockets: int
    open_event_streams: int
    dropped_readers: int
    replicas: tuple[ReplicaStatus, ...] = ()
    """The servers that share the database; empty if it is not shared."""


class Features(msgspec.Struct, frozen=True):
    """Features available to clients."""

    websocket: bool
    server_sent_events: bool
    resume: bool
    stop: bool
    durable: bool
    """Whether conversations persist across restarts."""
    search: bool
    rename: bool
    branch: bool
    export: bool
    replace: bool
    """Whether a message can replace an earlier run: regenerate, edit and resend."""
    versions: bool
    """Whether older versions of a message are kept and can be selected again."""
    temporary: bool
    """Whether conversations can be kept in memory only."""
    stop_on_disconnect: bool
    tools: bool
    context_files: bool
    images: bool
    uploads: bool
    """Whether files can be uploaded."""
    reasoning_output: bool
    """Whether the policy allows reasoning to be sent."""
    reasoning_policy: ReasoningPolicy
    """The strictest of the policies of the server and of the credential."""
    demo: bool


class ModelAbility(msgspec.Struct, frozen=True):
    """The current model."""

    id: str
    name: str
    provider: str
    max_tokens: int | None
    images: bool
    reasoning: ReasoningAbility


class Capabilities(msgspec.Struct, frozen=True):
    """Capabilities of the server and its current model; `model` is null if none is usable."""

    version: str
    reasoning_supported: bool
    streaming_supported: bool
    features: Features
    model: ModelAbility | None


class Welcome(msgspec.Struct, frozen=True):
    """Name, version and features of the server."""

    name: str
    version: str
    demo: bool
    model: str
    features: Features
    links: dict[str, str]


class SystemRoutes:
    """`/`, health, server information and capabilities."""

    def __init__(self, services: ServerServices, state: ServerState) -> None:
        self._services = services
        self._state = state
        self._started_ms = services.clock.steady_ms()
        self._platform = platform.platform()

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [*self._probes(), *self._descriptions()]

    def _probes(self) -> list[Operation]:
        report = Answer("The server is healthy.", HealthReport)
        sick = Answer("The server is unhealthy.", HealthReport)
        answers = {200: report, 503: sick}
        return [
            _operation("/api/v1/health", "health", "Health", self.health, answers),
            _operation("/readyz", "ready", "Readiness probe", self.health, answers, "none"),
            _operation(
                "/healthz",
                "alive",
                "Liveness probe",
                self.alive,
                {200: Answer("The process is alive.", Liveness)},
                "none",
            ),
        ]

    def _descriptions(self) -> list[Operation]:
        info = {200: Answer("Server information.", SystemInfo)}
        status = {200: Answer("The counts.", SystemStatus)}
        can = {200: Answer("Capabilities.", Capabilities)}
        welcome = {200: Answer("Name, version and features.", Welcome)}
        return [
            _operation("/", "welcome", "Server info", self.welcome, welcome),
            _operation("/api/v1/system-info", "systemInfo", "System information", self.info, info),
            _operation(
                "/api/v1/system-status", "systemStatus", ("System status"), self.status, status
            ),
            _operation(
                "/api/v1/capabilities",
                "capabilities",
                "Capabilities of the server and its model",
                self.capabilities,
                can,
            ),
        ]

    def features(self, principal: Principal) -> Features:
        """Return the features available to a client."""
        return self._features(self._model(principal.owner), principal)

    async def health(self, request: Request) -> Response:
        """Check the store, saving, the model, the channels and whether new runs are accepted.

        Each check takes at most two seconds, and none uses the network. A probe that may not read
        the details gets only the status.
        """
        checks = await run_checks(self._services)
        found = {check.status for check in checks.values()}
        worst: Health = "healthy"
        if "unhealthy" in found:
            worst = "unhealthy"
        elif "degraded" in found:
            worst = "degraded"
        try:
            check_permission(request, "read")
        except ThinkaloudError:
            checks = {}
        return json_response(HealthReport(worst, checks), 503 if worst == "unhealthy" else 200)

    async def alive(self, request: Request) -> Response:
        """Respond that the process is alive, without checking anything."""
        return json_response(Liveness("alive"))

    async def info(self, request: Request) -> Response:
        """Return server information."""
        services, settings, about = self._services, self._services.settings, self._services.about
        limits = ServerLimits(
            max_body_bytes=settings.max_body_bytes,
            max_text_chars=settings.max_text_chars,
            max_json_depth=settings.max_json_depth,
            max_sockets=settings.max_sockets,
            max_event_streams=settings.max_event_streams,
            max_active_runs=settings.max_active_runs,
            run=about.limits,
        )
        return json_response(
            SystemInfo(
                name="thinkaloud",
                version=about.version,
                python=platform.python_version(),
                platform=self._platform,
                uptime_seconds=self._uptime(),
                model=services.runs.selections.model(principal_of(request).owner),
                demo=about.demo,
                channels=about.channels,
                tools=tuple(about.tools()),
                stores=(about.store,),
                limits=limits,
            )
        )

    async def status(self, request: Request) -> Response:
        """Return live counts."""
        runs, state = self._services.runs, self._state
        replicas = await self._services.store.replicas() if self._services.store.is_shared else ()
        own = runs.membership.token
        others = sum(each.counts.active_runs for each in replicas if each.token != own)
        return json_response(
            SystemStatus(
                uptime_seconds=self._uptime(),
                active_runs=len(runs.active) + others,
                open_conversations=runs.hub.open_logs,
                open_sockets=state.sockets,
                open_event_streams=state.event_streams,
                dropped_readers=state.dropped_readers,
                replicas=tuple(
                    ReplicaStatus(
                        each.name,
                        each.version,
                        each.state,
                        each.started_at_ms,
                        len(runs.active) if each.token == own else each.counts.active_runs,
                        runs.hub.followers if each.token == own else each.counts.followers,
                    )
                    for each in replicas
                ),
            )
        )

    async def capabilities(self, request: Request) -> Response:
        """Return capabilities."""
        model = self._model(principal_of(request).owner)
        return json_response(
            Capabilities(
                version=self._services.about.version,
                reasoning_supported=model is not None and model.reasoning.supported,
                streaming_supported=True,
                features=self._features(model, principal_of(request)),
                model=None
                if model is None
                else ModelAbility(
                    id=model.id,
                    name=model.name,
                    provider=model.provider,
                    max_tokens=model.max_tokens,
                    images=model.images,
                    reasoning=model.reasoning,
                ),
            )
        )

    async def welcome(self, request: Request) -> Response:
        """Return name, version and links."""
        services = self._services
        links = {
            "api": "/api/v1",
            "docs": "/api/docs",
            "openapi": "/api/openapi.json",
            "asyncapi": "/api/asyncapi.json",
        }
        base = services.settings.base_path
        links = {name: base + path for name, path in links.items()}
        return json_response(
            Welcome(
                name="thinkaloud",
                version=services.about.version,
                demo=services.about.demo,
                model=services.runs.selections.model(principal_of(request).owner),
                features=self.features(principal_of(request)),
                links=links,
            )
        )

    def _model(self, owner: str) -> ModelView | None:
        current = self._services.runs.selections.model(owner)
        try:
            return model_view(self._services.catalogue.open(current).info, current)
        except ThinkaloudError:
            return None

    def _features(self, model: ModelView | None, principal: Principal) -> Features:
        policy = self._services.policy(principal)
        return Features(
            websocket=True,
            server_sent_events=True,
            resume=True,
            stop=True,
            durable=self._services.about.store != "memory",
            search=True,
            rename=True,
            branch=True,
            export=True,
            replace=True,
            versions=True,
            temporary=True,
            stop_on_disconnect=True,
            tools=bool(self._services.about.tools()),
            context_files=True,
            images=model is not None and model.images,
            uploads=True,
            reasoning_output=policy != "deny",
            reasoning_policy=policy,
            demo=self._services.about.demo,
        )

    def _uptime(self) -> float:
        return (self._services.clock.steady_ms() - self._started_ms) / 1000


def _operation(
    path: str,
    name: str,
    summary: str,
    handler: Handler,
    answers: Mapping[int, Answer],
    requires: Requirement = "read",
) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        summary=summary,
        tag="system",
        requires=requires,
        handler=handler,
        answers=answers,
    )
