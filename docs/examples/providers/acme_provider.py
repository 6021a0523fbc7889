"""A provider in a package: a dialect, a host that speaks it, and a family of models."""

import msgspec
from thinkaloud.events.model import (
    AnswerText,
    ModelEvent,
    ModelFinished,
    Origin,
    ReasoningText,
    Usage,
)
from thinkaloud.events.prompt import AnswerPart, ModelRequest, UserTurn
from thinkaloud.providers import (
    Dialect,
    DialectQuirks,
    Family,
    FamilyRule,
    Host,
    HttpRequest,
    ListedModel,
    Parts,
    SSEDialect,
    Target,
    refusal,
)


class Quirks(DialectQuirks, frozen=True, forbid_unknown_fields=True):
    """What operators can set in `[hosts.NAME.quirks]`."""

    models_path: str | None = "/models"
    path: str = "/generate"


class Event(msgspec.Struct):
    """One event of the stream."""

    thought: str = ""
    text: str = ""
    done: bool = False


class Reader:
    """Turns the events of one response into model events."""

    def __init__(self, origin: Origin) -> None:
        self.usage: Usage | None = None
        self._reasoned = False

    def read(self, payload: bytes, out: list[ModelEvent], name: bytes = b"") -> bool:
        """Append what an event contains; return True after the last one."""
        event = msgspec.json.decode(payload, type=Event)
        if event.thought:
            self._reasoned = True
            out.append(ReasoningText(event.thought))
        if event.text:
            out.append(AnswerText(event.text))
        if event.done:
            status = "shown" if self._reasoned else "none"
            out.append(ModelFinished("stop", reasoning_status=status))
        return event.done

    def flush(self, out: list[ModelEvent]) -> None:
        """Append text that is held back: no more bytes come. Nothing is held back here."""

    def finish(self, out: list[ModelEvent]) -> bool:
        """Return False: a stream without a `done` event was cut off."""
        return False


def encode(request: ModelRequest, origin: Origin, family: Family, quirks: Quirks) -> HttpRequest:
    """Write the request for a streamed response."""
    messages: list[dict[str, str]] = []
    for turn in request.turns:
        if isinstance(turn, UserTurn):
            messages.append({"user": turn.text})
        else:
            parts = getattr(turn, "parts", ())
            said = "".join(part.text for part in parts if isinstance(part, AnswerPart))
            messages.append({"model": said})
    body = {"model": request.model, "messages": messages, "effort": request.effort}
    return HttpRequest(quirks.path, msgspec.json.encode(body))


def listed(body: bytes) -> list[ListedModel]:
    """Read the list of models."""
    return [ListedModel(name) for name in msgspec.json.decode(body, type=list[str])]


def bind(target: Target) -> Dialect:
    """Return the dialect for one model of one host."""
    return SSEDialect(target, Parts(Quirks, encode, Reader, refusal, listed))


HOST = Host(
    "acme",
    "Acme",
    "acme-generate",
    "https://api.acme.example/v1",
    key_env=("ACME_API_KEY",),
    default_model="anvil-2",
)

FAMILIES = (
    FamilyRule(
        "anvil-", Family("Anvil", reasons="optional", shows="text", efforts=("none", "low", "high"))
    ),
)
