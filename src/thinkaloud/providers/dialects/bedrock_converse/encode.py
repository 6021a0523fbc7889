"""Encodes model requests for the Converse API. Pure; the host signs them.

Source: Amazon Bedrock Runtime API reference, `ConverseStream`; the user guides of Claude, Nova 2,
gpt-oss and Qwen for `additionalModelRequestFields`.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from thinkaloud.events.prompt import Effort, EffortLevel, ModelRequest, ToolSchema, ToolTurn
from thinkaloud.ports.model import HttpRequest
from thinkaloud.providers.dialects import options
from thinkaloud.providers.dialects.bedrock_converse.history import (
    Message,
    messages_of,
    opens_with_reasoning,
)
from thinkaloud.providers.dialects.bedrock_converse.quirks import Quirks
from thinkaloud.providers.target import Family, Target

_INTERLEAVED: Final = "interleaved-thinking-2025-05-14"
_LEAST_BUDGET: Final = 1024
_CLAUDE: Final = frozenset({"claude-budget", "claude-adaptive"})


class _Reasoning(msgspec.Struct, frozen=True):
    """The reasoning settings of a request. `on` is False if the model will not reason."""

    on: bool
    fields: Mapping[str, object] = {}
    budget: int | None = None
    unlimited: bool = False
    """Whether the model does not accept a token limit at this effort."""


def encode(request: ModelRequest, target: Target, quirks: Quirks) -> HttpRequest:
    """Return the HTTP request for a streamed response."""
    reasoning = _reasoning(request.effort, target.family, quirks)
    messages = _messages(request, target, quirks, reasoning)
    if reasoning.budget is not None and not opens_with_reasoning(messages):
        # Claude rejects a budget if the current turn started without thinking (another model's).
        reasoning = _Reasoning(on=False)
        messages = _messages(request, target, quirks, reasoning)
    limit, fields = _limit(request, target.family, quirks, reasoning)
    if quirks.interleaved and reasoning.on and request.tools:
        fields = {**fields, "anthropic_beta": [_INTERLEAVED]}
    body: dict[str, object] = {"messages": messages}
    if request.system:
        body["system"] = [{"text": request.system}]
    thinks = reasoning.budget is not None or bool(reasoning.fields)
    inference = options.converse_inference(request.options, reasoning=thinks)
    if limit is not None:
        inference["maxTokens"] = limit
    if inference:
        body["inferenceConfig"] = inference
    tools = request.tools or _called_tools(request)
    if tools:
        choice = options.converse_tool_choice(request.options, reasoning=thinks)
        chosen = {} if choice is None or not request.tools else {"toolChoice": choice}
        body["toolConfig"] = {"tools": [_tool(tool) for tool in tools], **chosen}
    if fields:
        body["additionalModelRequestFields"] = fields
    return HttpRequest(
        path=f"/model/{quote(request.model, safe='')}/converse-stream",
        body=msgspec.json.encode(body),
        headers={"content-type": "application/json"},
    )


def _messages(
    request: ModelRequest, target: Target, quirks: Quirks, reasoning: _Reasoning
) -> list[Message]:
    origin = target.origin if request.send_opaque else None
    return messages_of(request.turns, origin, quirks, reasoning=reasoning.on)


def _tool(tool: ToolSchema) -> dict[str, object]:
    spec: dict[str, object] = {"name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    return {"toolSpec": {**spec, "inputSchema": {"json": tool.parameters}}}


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


def _reasoning(effort: Effort | None, family: Family, quirks: Quirks) -> _Reasoning:
    style = quirks.reasoning
    if style in {"always", "none"}:
        return _Reasoning(on=True)
    if effort is None:
        return _default_reasoning(quirks)
    if effort == "none":
        return _off(quirks)
    if style == "claude-budget" or isinstance(effort, int):
        wanted = effort if isinstance(effort, int) else quirks.budgets.of(effort)
        return _Reasoning(on=True, budget=_clamped(wanted, family.budget))
    return _requested_reasoning(effort, quirks)


def _default_reasoning(quirks: Quirks) -> _Reasoning:
    if quirks.reasoning == "claude-adaptive" and quirks.unasked:
        return _Reasoning(on=True, fields={"thinking": _adaptive(quirks)})
    return _Reasoning(on=quirks.reasoning != "claude-budget")


def _off(quirks: Quirks) -> _Reasoning:
    if quirks.reasoning in _CLAUDE:
        return _Reasoning(on=False, fields={"thinking": {"type": "disabled"}})
    if quirks.reasoning == "nova":
        return _Reasoning(on=False, fields={"reasoningConfig": {"type": "disabled"}})
    return _Reasoning(on=False)


def _requested_reasoning(effort: EffortLevel, quirks: Quirks) -> _Reasoning:
    level = "low" if effort == "minimal" else effort
    match quirks.reasoning:
        case "claude-adaptive":
            thinking = {"thinking": _adaptive(quirks), "output_config": {"effort": level}}
            return _Reasoning(on=True, fields=thinking)
        case "nova":
            config = {"type": "enabled", "maxReasoningEffort": level}
            # Nova 2 rejects a token limit at its highest effort.
            return _Reasoning(
                on=True, fields={"reasoningConfig": config}, unlimited=level == "high"
            )
        case "reasoning-config":
            return _Reasoning(on=True, fields={"reasoning_config": level})
        case _:
            return _Reasoning(on=True, fields={"reasoning_effort": level})


def _adaptive(quirks: Quirks) -> dict[str, object]:
    shown: dict[str, object] = {} if quirks.display is None else {"display": quirks.display}
    return {"type": "adaptive", **shown}


def _clamped(budget: int, limits: tuple[int, int] | None) -> int:
    least, greatest = limits or (_LEAST_BUDGET, budget)
    return max(least, _LEAST_BUDGET, min(budget, greatest))


def _limit(
    request: ModelRequest, family: Family, quirks: Quirks, reasoning: _Reasoning
) -> tuple[int | None, Mapping[str, object]]:
    """Return the token limit, which includes thinking, and the fields that match it."""
    most = family.max_output_tokens
    limit = request.max_output_tokens
    budget = reasoning.budget
    if budget is None:
        if limit is None or reasoning.unlimited:
            return None, reasoning.fields
        return (limit if most is None else min(limit, most)), reasoning.fields
    limit = limit or quirks.answer_tokens + budget
    if most is not None:
        limit = min(limit, most)
    # A quarter of the limit is left for the answer; Claude requires a budget below the limit.
    budget = max(_LEAST_BUDGET, min(budget, limit * 3 // 4))
    thinking = {"type": "enabled", "budget_tokens": budget}
    return max(limit, budget + 1), {"thinking": thinking}
