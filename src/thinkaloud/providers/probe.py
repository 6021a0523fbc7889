"""Probes a host: is it reachable, is the key accepted, how much reasoning does it return."""

import asyncio
from contextlib import aclosing
from typing import Final, Literal

import msgspec

from thinkaloud.errors import ConfigurationError, ProviderError, UnknownModel
from thinkaloud.events.model import AnswerText, ModelFailed, ModelFinished, ReasoningText
from thinkaloud.events.prompt import EffortLevel, ModelRequest, UserTurn
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.model import Model
from thinkaloud.providers.catalogue import ConfiguredModels, bound, target_of

_QUESTION: Final = "A bat and a ball cost 1.10 together, the bat 1 more than the ball. The ball?"
_ROOM: Final = 2048
_SECONDS: Final = 60.0
_PREFERRED: Final[tuple[EffortLevel, ...]] = ("low", "minimal", "medium", "high")

KeyState = Literal["accepted", "refused", "missing", "not_needed", "unknown"]
Seen = Literal["text", "summary", "count", "nothing"]


class ModelProbe(msgspec.Struct, frozen=True):
    """The result of one small request."""

    model: str
    """The provider's own name."""
    answered: bool
    reasoning: Seen
    """How much reasoning was returned: text, a summary, only a token count, or nothing."""
    reasoning_tokens: int | None = None
    time_to_first_reasoning_ms: int | None = None
    time_to_first_answer_ms: int | None = None
    total_ms: int = 0
    problem: str | None = None
    """Why there is no complete answer."""


class ProbeResult(msgspec.Struct, frozen=True):
    """The result of probing a host."""

    host: str
    reachable: bool
    key: KeyState
    models: tuple[str, ...] = ()
    """The models that it lists."""
    problem: str | None = None
    """What is wrong and how to fix it."""
    model: ModelProbe | None = None
    """The model that was called; None if none was requested or could be called."""


async def probe(
    models: ConfiguredModels, host: str, model: str | None = None, *, clock: Clock
) -> ProbeResult:
    """List the models of a configured host, and send one of them a small question.

    `model` is the provider's own name; if None, only the models are listed. The question
    costs about 2,000 tokens at most. Host errors are reported in the result, not raised. Raises
    `KeyError` if no host with this name is configured.
    """
    configured = models.hosts[host]
    has_key = configured.key is not None
    if configured.missing_setting is not None:
        key: KeyState = "missing" if configured.needs is None else "unknown"
        return ProbeResult(
            host, reachable=False, key=key, problem=f"Set {configured.missing_setting}."
        )
    try:
        names = tuple(each.name for each in await models.ask(host))
        lists = bound(configured, "-").models_path is not None
    except (ProviderError, ConfigurationError) as error:
        status = error.status if isinstance(error, ProviderError) else None
        refused = status is not None and error.code == "provider_auth"
        unknown: KeyState = "unknown" if has_key else "not_needed"
        return ProbeResult(
            host,
            reachable=status is not None,
            key="refused" if refused else unknown,
            problem=error.message,
        )
    key = "not_needed" if not has_key else "accepted" if lists else "unknown"
    result = ProbeResult(host, reachable=lists, key=key, models=names)
    if model is None:
        return result
    try:
        opened = models.open(f"{host}/{model}")
    except (ConfigurationError, UnknownModel) as error:
        return msgspec.structs.replace(result, problem=error.message)
    shows = target_of(configured, model).family.shows
    found = await _asked(opened, clock, "summary" if shows == "summary" else "text")
    worked = found.answered or found.reasoning != "nothing"
    return msgspec.structs.replace(
        result,
        reachable=result.reachable or worked,
        key="accepted" if worked and key == "unknown" else key,
        model=found,
    )


async def _asked(model: Model, clock: Clock, seen: Seen) -> ModelProbe:
    efforts = model.info.reasoning.efforts
    request = ModelRequest(
        model=model.info.name,
        turns=(UserTurn(_QUESTION),),
        effort=next((level for level in _PREFERRED if level in efforts), None),
        max_output_tokens=_ROOM,
    )
    started = clock.steady_ms()
    first: dict[str, int] = {}
    end: ModelFinished | ModelFailed | None = None
    try:
        async with asyncio.timeout(_SECONDS), aclosing(model.stream(request)) as stream:
            async for events in stream:
                for event in events:
                    if isinstance(event, ReasoningText):
                        first.setdefault("reasoning", clock.steady_ms() - started)
                    elif isinstance(event, AnswerText):
                        first.setdefault("answer", clock.steady_ms() - started)
                    elif isinstance(event, ModelFinished | ModelFailed):
                        end = event
    except TimeoutError:
        end = ModelFailed("provider_timeout", f"It took more than {_SECONDS:g} seconds.")
    usage = end.usage if end is not None else None
    tokens = usage.reasoning_tokens if usage is not None else None
    hidden: Seen = "count" if tokens else "nothing"
    return ModelProbe(
        model=model.info.name,
        answered=isinstance(end, ModelFinished),
        reasoning=seen if "reasoning" in first else hidden,
        reasoning_tokens=tokens,
        time_to_first_reasoning_ms=first.get("reasoning"),
        time_to_first_answer_ms=first.get("answer"),
        total_ms=clock.steady_ms() - started,
        problem=end.message if isinstance(end, ModelFailed) else None,
    )
