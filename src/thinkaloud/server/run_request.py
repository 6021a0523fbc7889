"""Converts a client's message to a run request, applying the server's settings."""

import math
from typing import Final, assert_never

from thinkaloud.errors import InvalidRequest, UnsupportedEffort
from thinkaloud.events.prompt import EFFORT_LEVELS, Effort, EffortLevel
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.ports.principal import ReasoningPolicy
from thinkaloud.runtime.runs.request import MAX_CONTEXT_FILES, RunRequest
from thinkaloud.server.schema.message import ClientMessage
from thinkaloud.server.schema.requests import STOP_DETACHED_SECONDS, ChatRequest
from thinkaloud.server.services import ServerServices
from thinkaloud.server.wires.page.commands import Message

_LEVELS: Final[dict[str, EffortLevel]] = {level: level for level in EFFORT_LEVELS}


def effort_of(asked: str | int | None, catalogue: Catalogue, model_id: str | None) -> Effort | None:
    """Return the requested effort. Raises `UnsupportedEffort` if it is not a valid level."""
    if asked is None or isinstance(asked, int):
        return asked
    level = _LEVELS.get(asked)
    if level is None:
        info = catalogue.open(model_id).info
        raise UnsupportedEffort(info.id, asked, info.reasoning.efforts)
    return level


def run_request(
    message: ChatRequest | Message,
    services: ServerServices,
    idempotency_key: str | None = None,
) -> RunRequest:
    """Return the request for the runtime.

    Raises `InvalidRequest`, `UnsupportedEffort`, `UnknownModel` or `ConfigurationError`.
    """
    settings, catalogue = services.settings, services.catalogue
    effort = effort_of(message.reasoning_effort, catalogue, message.model)
    if len(message.context_files or ()) > MAX_CONTEXT_FILES:
        raise InvalidRequest(
            f"context_files has more than {MAX_CONTEXT_FILES} names.", field="context_files"
        )
    match message:
        case ChatRequest():
            text, conversation_id = message.text, message.conversation_id
            temporary = message.temporary
            policy: ReasoningPolicy = "allow"
        case Message():
            text, conversation_id, temporary = message.content, message.chat_id, False
            policy = services.websocket.socket_settings.reasoning
        case _:
            assert_never(message)
    if len(text) > settings.max_text_chars:
        raise InvalidRequest(
            f"text is longer than {settings.max_text_chars:,} characters.", field="text"
        )
    return RunRequest(
        text,
        conversation_id,
        reasoning_effort=effort,
        idempotency_key=idempotency_key,
        temporary=temporary,
        stop_detached_after=_stop_delay(message, services),
        reasoning_policy=policy,
        **message.shared_fields(),
    )


def _stop_delay(message: ClientMessage, services: ServerServices) -> float | None:
    match message.on_disconnect:
        case None:
            return None
        case "continue":
            return math.inf
        case "stop":
            return services.about.limits.stop_detached_after_seconds or STOP_DETACHED_SECONDS
