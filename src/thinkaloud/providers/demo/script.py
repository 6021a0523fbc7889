"""Computes the demo model's response to a conversation. Pure."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.events.model import ToolCall
from thinkaloud.events.prompt import (
    AssistantTurn,
    Effort,
    ModelRequest,
    ToolCallPart,
    ToolTurn,
    Turn,
    UserTurn,
)
from thinkaloud.providers.demo import small_talk
from thinkaloud.providers.demo.findings import Finding, report
from thinkaloud.providers.demo.question import PlannedCall, planned_calls, question_of

SIGNATURE: Final = "*From the built-in demo model: a small fixed program, not an AI.*"
"""The last line of every answer."""

_DEPTHS: Final = {"none": 0, "minimal": 1, "low": 2, "medium": 3, "high": 4, "xhigh": 5, "max": 6}
_MISSING: Final = {
    "list_files": "a folder: set `workspace` under `[server]` in `thinkaloud.toml`",
    "read_file": "a folder: set `workspace` under `[server]` in `thinkaloud.toml`",
    "search_files": "a folder: set `workspace` under `[server]` in `thinkaloud.toml`",
}


class Response(msgspec.Struct, frozen=True):
    """The output of one model call: reasoning, then either an answer or tool calls."""

    reasoning: str
    answer: str = ""
    calls: tuple[ToolCall, ...] = ()


class _Thought(msgspec.Struct, frozen=True):
    """A reasoning step, and the minimum effort at which it is included."""

    depth: int
    text: str


def respond(request: ModelRequest) -> Response:
    """Return the response to a conversation. Deterministic."""
    asked = _questions(request.turns)
    if request.turns and isinstance(request.turns[-1], ToolTurn):
        return _after_tools(request, asked[-1])
    question = asked[-1] if asked else ""
    wanted = planned_calls(question)
    given = {schema.name for schema in request.tools}
    usable = [planned for planned in wanted if planned.tool in given]
    if usable:
        return _call_tools(request, question, usable)
    return _answering(request, asked, wanted)


def _questions(turns: Sequence[Turn]) -> list[str]:
    return [question_of(turn.text) for turn in turns if isinstance(turn, UserTurn)]


def _call_tools(request: ModelRequest, question: str, usable: Sequence[PlannedCall]) -> Response:
    made = sum(
        isinstance(part, ToolCallPart)
        for turn in request.turns
        if isinstance(turn, AssistantTurn)
        for part in turn.parts
    )
    calls = tuple(
        ToolCall(
            f"demo_call_{made + place}",
            planned.tool,
            msgspec.json.encode(planned.arguments).decode(),
        )
        for place, planned in enumerate(usable, start=1)
    )
    names = " and ".join(f"`{planned.tool}`" for planned in usable)
    thoughts = [
        _Thought(2, f"The user asks: {_shortened(question)}"),
        *(_Thought(1, planned.why) for planned in usable),
        _Thought(3, f"The tools I have: {_listed(request)}."),
        _Thought(4, "A tool gives a reliable result, so I shouldn't guess."),
        _Thought(5, "If the tool fails, I'll report its error."),
        _Thought(6, _arguments(usable)),
        _Thought(1, f"So I'll call {names} and wait for the results."),
    ]
    return Response(_thinking(thoughts, request.effort), calls=calls)


def _after_tools(request: ModelRequest, question: str) -> Response:
    findings = _findings(request.turns)
    thoughts = [_Thought(2, "The results are here. I'll read them before I answer.")]
    for finding in findings:
        outcome = "reports an error" if finding.is_error else "gave"
        thoughts.append(_Thought(1, f"`{finding.tool}` {outcome}: {_shortened(finding.content)}"))
    thoughts += [
        _Thought(3, f"The question was: {_shortened(question)}"),
        _Thought(4, "There is nothing left to look up, so I don't need another call."),
        _Thought(5, "I won't add anything that isn't in the results."),
        _Thought(6, "I'll put them in the order of the questions."),
        _Thought(2, "Now I can answer."),
    ]
    answer = "\n\n".join(report(finding) for finding in findings)
    return Response(_thinking(thoughts, request.effort), f"{answer}\n\n{SIGNATURE}")


def _findings(turns: Sequence[Turn]) -> list[Finding]:
    results = turns[-1]
    assert isinstance(results, ToolTurn)
    arguments = {
        part.tool_call_id: part.arguments
        for turn in turns
        if isinstance(turn, AssistantTurn)
        for part in turn.parts
        if isinstance(part, ToolCallPart)
    }
    return [
        Finding(
            result.name, arguments.get(result.tool_call_id, ""), result.content, result.is_error
        )
        for result in results.results
    ]


def _answering(
    request: ModelRequest, asked: Sequence[str], wanted: Sequence[PlannedCall]
) -> Response:
    question = asked[-1] if asked else ""
    if wanted:
        planned = wanted[0]
        decision = f"That needs `{planned.tool}`, which I don't have. I'll say so."
        answer = _without_tool(planned)
    else:
        decision, answer = small_talk.answer(question, asked[:-1])
    thoughts = [
        _Thought(1, f"The user says: {_shortened(question)}"),
        _Thought(2, "Is it about arithmetic, the time or files?"),
        _Thought(2, wanted[0].why if wanted else "No: none of my tools helps with this."),
        _Thought(3, f"The tools I have: {_listed(request)}."),
        _Thought(4, _before(asked)),
        _Thought(5, "I could make something up that sounds right, but that wouldn't help anyone."),
        _Thought(6, "I'll keep it short: what I am, what I can do, and what to do next."),
        _Thought(1, decision),
    ]
    return Response(_thinking(thoughts, request.effort), f"{answer}\n\n{SIGNATURE}")


def _without_tool(planned: PlannedCall) -> str:
    need = _MISSING.get(planned.tool, "the tool, which is switched off here")
    return f"I would use the tool `{planned.tool}` for that, but I don't have it. It needs {need}."


def _before(asked: Sequence[str]) -> str:
    count = len(asked) - 1
    if count < 1:
        return "This is the beginning of the conversation."
    return f"There {'were' if count > 1 else 'was'} {count} earlier question{'s' * (count > 1)}."


def _arguments(usable: Sequence[PlannedCall]) -> str:
    shown = ", ".join(
        f"{name} = {value!r}" for planned in usable for name, value in planned.arguments.items()
    )
    return f"Checking the arguments: {shown or 'none are needed'}."


def _listed(request: ModelRequest) -> str:
    return ", ".join(f"`{schema.name}`" for schema in request.tools) or "none"


def _shortened(text: str) -> str:
    flat = re.sub(r"\s+", " ", text[:400]).strip()
    return f"“{flat}”" if len(flat) <= 120 else f"“{flat[:120]}…”"


def _thinking(thoughts: Sequence[_Thought], effort: Effort | None) -> str:
    """Return the steps for this effort; a token budget includes the first ones that fit."""
    if isinstance(effort, int):
        return _truncated(thoughts, 4 * effort)
    depth = _DEPTHS[effort or "medium"]
    return "\n\n".join(thought.text for thought in thoughts if thought.depth <= depth)


def _truncated(thoughts: Sequence[_Thought], characters: int) -> str:
    text = thoughts[0].text[:characters]
    for thought in thoughts[1:]:
        longer = f"{text}\n\n{thought.text}"
        if len(longer) > characters:
            break
        text = longer
    return text
