"""Encodes model requests for the Messages API. Pure.

Source: Anthropic API reference, "Create a Message", "Extended thinking", "Adaptive thinking" and
"Effort"; Vertex and Bedrock: their pages on Claude.
"""

from collections.abc import Iterable, Mapping
from typing import Final, assert_never
from urllib.parse import quote

import msgspec

from thinkaloud.events.prompt import EffortLevel, ModelRequest, ToolSchema, ToolTurn
from thinkaloud.ports.model import HttpRequest
from thinkaloud.providers.dialects import options
from thinkaloud.providers.dialects.anthropic_messages.history import (
    Message,
    Thoughts,
    messages_of,
    opens_with_thinking,
)
from thinkaloud.providers.dialects.anthropic_messages.quirks import Quirks
from thinkaloud.providers.target import Family, Target

_INTERLEAVED: Final = "interleaved-thinking-2025-05-14"
_LEAST_BUDGET: Final = 1024
_OFF: Final = {"type": "disabled"}


class Thinking(msgspec.Struct, frozen=True):
    """The thinking settings of a request. `on` is False if it does not ask for thinking."""

    on: bool
    off: bool = False
    """Whether thinking must be off, even if the model thinks by default."""
    switch: Mapping[str, object] | None = None
    effort: str | None = None
    budget: int | None = None


def encode(request: ModelRequest, target: Target, quirks: Quirks) -> HttpRequest:
    """Return the HTTP request for a streamed response."""
    thinking = _thinking(request, target.family, quirks)
    messages = _messages(request, target, quirks, thinking)
    if thinking.budget is not None and not opens_with_thinking(messages):
        # The API rejects a budget if the current turn started without thinking (another model's).
        thinking = Thinking(on=False, off=True)
        messages = _messages(request, target, quirks, thinking)
    betas = _betas(request, thinking, quirks)
    body = _body(request, target, quirks, thinking)
    if quirks.betas_in_body and betas:
        body["anthropic_beta"] = betas
    body["messages"] = messages
    return HttpRequest(
        path=quirks.path.replace("{model}", quote(request.model, safe="@")),
        body=msgspec.json.encode(body),
        headers=_headers(betas, quirks),
    )


def _messages(
    request: ModelRequest, target: Target, quirks: Quirks, thinking: Thinking
) -> list[Message]:
    origin = target.origin if request.send_opaque else None
    if not request.send_reasoning:
        return messages_of(request.turns, origin, quirks, thoughts="none")
    if "bare_calls" in request.without:
        unsigned = msgspec.structs.replace(quirks, unsigned=True)
        return messages_of(request.turns, origin, unsigned, thoughts="all")
    thoughts: Thoughts = "all" if thinking.on else "none" if thinking.off else "unasked"
    return messages_of(request.turns, origin, quirks, thoughts=thoughts)


def _body(
    request: ModelRequest, target: Target, quirks: Quirks, thinking: Thinking
) -> dict[str, object]:
    limit, switch = _limit(request, target.family, quirks, thinking)
    body: dict[str, object] = {"max_tokens": limit}
    if "{model}" not in quirks.path:
        body["model"] = request.model
    if quirks.body_version is not None:
        body["anthropic_version"] = quirks.body_version
    if quirks.stream_field:
        body["stream"] = True
    if request.system:
        body["system"] = request.system
    if switch is not None:
        body["thinking"] = switch
    if thinking.effort is not None:
        body["output_config"] = {"effort": thinking.effort}
    tools = request.tools or _called_tools(request)
    if tools:
        body["tools"] = [_tool(tool) for tool in tools]
    if tools and not request.tools:
        body["tool_choice"] = {"type": "none"}
    body.update(options.messages(request, thinking=thinking.on))
    return body


def _called_tools(request: ModelRequest) -> list[ToolSchema]:
    """Return the tools that earlier turns called.

    The API rejects results of tools that the request does not define.
    """
    names = {
        result.name: None
        for turn in request.turns
        if isinstance(turn, ToolTurn)
        for result in turn.results
        if result.name
    }
    return [ToolSchema(name, "Not available now.", {"type": "object"}) for name in names]


def _tool(tool: ToolSchema) -> dict[str, object]:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.parameters,
    }


def _thinking(request: ModelRequest, family: Family, quirks: Quirks) -> Thinking:
    effort = request.effort
    style = quirks.thinking
    if style in {"always", "none"}:
        return Thinking(on=style == "always")
    if effort == "none":
        return Thinking(on=False, off=True, switch=_OFF)
    if effort is None:
        return _default_reasoning(quirks)
    if style == "budget" or isinstance(effort, int):
        wanted = effort if isinstance(effort, int) else quirks.budgets.of(effort)
        return Thinking(on=True, budget=_clamped(wanted, family.budget))
    if style == "adaptive":
        return Thinking(on=True, switch=_adaptive(quirks), effort=_level(effort))
    return Thinking(on=True, switch={"type": "enabled"}, effort=_level(effort))


def _default_reasoning(quirks: Quirks) -> Thinking:
    match quirks.thinking:
        case "adaptive":
            return Thinking(on=True, switch=_adaptive(quirks) if quirks.unasked else None)
        case "budget":
            return Thinking(on=quirks.thinks_unasked)
        case "switch" | "always":
            return Thinking(on=True)
        case "none":
            return Thinking(on=False)
        case _:
            assert_never(quirks.thinking)


def _adaptive(quirks: Quirks) -> dict[str, object]:
    shown: dict[str, object] = {} if quirks.display is None else {"display": quirks.display}
    return {"type": "adaptive", **shown}


def _level(effort: EffortLevel) -> str:
    return "low" if effort == "minimal" else effort


def _clamped(budget: int, limits: tuple[int, int] | None) -> int:
    least, greatest = limits or (_LEAST_BUDGET, budget)
    return max(least, _LEAST_BUDGET, min(budget, greatest))


def _limit(
    request: ModelRequest, family: Family, quirks: Quirks, thinking: Thinking
) -> tuple[int, Mapping[str, object] | None]:
    """Return `max_tokens`, which includes thinking, and a thinking switch that fits into it."""
    most = family.max_output_tokens
    budget = thinking.budget
    limit = request.max_output_tokens or quirks.max_tokens + (budget or 0)
    if most is not None:
        limit = min(limit, most)
    if budget is None:
        return limit, thinking.switch
    # A quarter of the limit is left for the answer; the API requires a budget below the limit.
    budget = max(_LEAST_BUDGET, min(budget, limit * 3 // 4))
    return max(limit, budget + 1), {"type": "enabled", "budget_tokens": budget}


def _betas(request: ModelRequest, thinking: Thinking, quirks: Quirks) -> list[str]:
    betas = list(quirks.betas)
    if quirks.interleaved and thinking.on and request.tools and _INTERLEAVED not in betas:
        betas.append(_INTERLEAVED)
    return betas


def _headers(betas: Iterable[str], quirks: Quirks) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    if quirks.body_version is None:
        headers["anthropic-version"] = quirks.version
    named = ",".join(betas)
    if named and not quirks.betas_in_body:
        headers["anthropic-beta"] = named
    return headers
