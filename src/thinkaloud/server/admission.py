"""Admission control: turns a client's request into a run request, or refuses it."""

import math
from typing import Final

from thinkaloud.errors import InvalidRequest, UnsupportedEffort
from thinkaloud.events.prompt import EFFORT_LEVELS, Effort, EffortLevel
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.runtime.runs.effort import effective_effort
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.schema.requests import STOP_DETACHED_SECONDS, ChatRequest
from thinkaloud.server.services import ServerServices, ServerState

_LEVELS: Final[dict[str, EffortLevel]] = {level: level for level in EFFORT_LEVELS}


def refuse_when_busy(services: ServerServices) -> None:
    """Raise `Refused` (503) when `max_active_runs` is reached."""
    if len(services.runs.active) >= services.settings.max_active_runs:
        raise Refused(
            503, "busy", "Too many runs are going on. Try again.", headers={"Retry-After": "2"}
        )


def effort_of(asked: str | int | None, catalogue: Catalogue, model_id: str | None) -> Effort | None:
    """Return the effort that a request names. Raises `UnsupportedEffort` where it is no level."""
    if asked is None or isinstance(asked, int):
        return asked
    level = _LEVELS.get(asked)
    if level is None:
        info = catalogue.open(model_id).info
        raise UnsupportedEffort(info.id, asked, info.reasoning.efforts)
    return level


def run_request(
    chat: ChatRequest,
    services: ServerServices,
    state: ServerState,
    idempotency_key: str | None = None,
) -> RunRequest:
    """Return what the runtime is asked for.

    Raises `InvalidRequest`, `UnsupportedEffort`, `UnknownModel` and `ConfigurationError`.
    """
    settings, catalogue = services.settings, services.catalogue
    effort = effort_of(chat.reasoning_effort, catalogue, chat.model)
    if effort is None and state.reasoning_effort is not None:
        effort = effective_effort(None, state.reasoning_effort, catalogue.open(chat.model).info)
    if len(chat.text) > settings.max_text_chars:
        raise InvalidRequest(
            f"text is longer than {settings.max_text_chars:,} characters.", field="text"
        )
    return RunRequest(
        text=chat.text,
        conversation_id=chat.conversation_id,
        context=chat.context,
        context_files=chat.context_files,
        image_path=chat.image_path,
        max_iterations=chat.max_iterations,
        model=chat.model,
        reasoning_effort=effort,
        idempotency_key=idempotency_key,
        replaces=chat.replaces,
        temporary=chat.temporary,
        stop_detached_after=_grace(chat, services),
    )


def _grace(chat: ChatRequest, services: ServerServices) -> float | None:
    match chat.on_disconnect:
        case None:
            return None
        case "continue":
            return math.inf
        case "stop":
            return services.about.limits.stop_detached_after_seconds or STOP_DETACHED_SECONDS
