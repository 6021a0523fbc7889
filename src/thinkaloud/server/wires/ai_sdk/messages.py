"""A stored conversation as the messages of the AI SDK, for a client that loads it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Literal, assert_never

import msgspec

from thinkaloud.core.approvals.shown import parsed_arguments
from thinkaloud.events.event import Outcome, RunError, RunStatus
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import Effort, ToolResult
from thinkaloud.events.view import (
    AnswerBlock,
    Block,
    NoticeBlock,
    QuestionBlock,
    ReasoningBlock,
    RunView,
    ToolBlock,
)
from thinkaloud.server.wires.ai_sdk.chunks import (
    Durations,
    ProviderMetadata,
    SegmentDetails,
    TokenUsage,
    durations,
    token_usage,
)
from thinkaloud.server.wires.policy import run_without_reasoning
from thinkaloud.server.wires.tool_call_ids import ToolCallIds


class Part(msgspec.Struct, frozen=True, tag_field="type", rename="camel", omit_defaults=True):
    """The base of all parts whose type is fixed."""


class StepPart(Part, frozen=True, tag="step-start"):
    """A model call begins."""


class TextPart(Part, frozen=True, tag="text"):
    """An answer segment, or the text of the user."""

    text: str
    state: Literal["done"] | None = None


class ReasoningPart(Part, frozen=True, tag="reasoning"):
    """A block of reasoning."""

    text: str
    state: Literal["done"]
    provider_metadata: ProviderMetadata


class FilePart(Part, frozen=True, tag="file"):
    """A file of the user. `url` is a path on this server."""

    media_type: str
    filename: str
    url: str


class ToolPart(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A tool call: `dynamic-tool` for a tool of the server, `tool-NAME` for one of the client."""

    type: str
    tool_call_id: str
    state: Literal["input-available", "output-available", "output-error"]
    input: object
    tool_name: str | None = None
    output: object = None
    error_text: str | None = None
    provider_executed: bool = False


class Metadata(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The metadata of an answer: what its stream put there."""

    conversation_id: str
    run_id: str
    model: str
    started_at_ms: int
    status: RunStatus | Literal["running", "waiting"]
    reasoning_effort: Effort | None = None
    timing: Durations | None = None
    usage: TokenUsage | None = None
    error: RunError | None = None
    outcome: Outcome | None = None


AnyPart = StepPart | TextPart | ReasoningPart | FilePart | ToolPart


class UIMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message."""

    id: str
    role: Literal["user", "assistant"]
    parts: tuple[AnyPart, ...]
    metadata: Metadata | None = None


def ui_messages(
    conversation_id: str, runs: Iterable[RunFold], *, reasoning: bool
) -> list[UIMessage]:
    """Return the messages of these runs.

    A run that continues with results of the client's tools is part of the answer before it. The
    answer of a run that is active is left out: resuming its stream sends it from the start.
    """
    found: list[UIMessage] = []
    for run in runs:
        view = run.view() if reasoning else run_without_reasoning(run.view())
        results = {result.tool_call_id: result for result in run.started.input.tool_results}
        before = found.pop() if results and found else None
        if before is None:
            found.append(_question(view))
        else:
            parts = tuple(_with_result(part, results) for part in before.parts)
            before = msgspec.structs.replace(before, parts=parts)
        if view.status != "running":
            found.append(_answer(conversation_id, view, before))
        elif before is not None:
            found.append(before)
    return found


def _question(view: RunView) -> UIMessage:
    files = [
        FilePart(file.media_type, file.name, f"/api/v1/runs/{view.run_id}/attachments/{number}")
        for number, file in enumerate(view.attachments, start=1)
    ]
    return UIMessage(f"{view.run_id}:user", "user", (*files, TextPart(view.input.text)))


def _answer(conversation_id: str, view: RunView, before: UIMessage | None) -> UIMessage:
    """Return the answer of a run, after the part of it that came before the client's results."""
    metadata = Metadata(
        conversation_id,
        view.run_id,
        view.model,
        view.started_at_ms,
        view.status,
        view.reasoning_effort,
        None if view.timing is None else durations(view.timing),
        None if view.usage is None else token_usage(view.usage),
        view.error,
        view.outcome,
    )
    parts = _parts(view.blocks)
    if before is None:
        return UIMessage(view.run_id, "assistant", parts, metadata)
    return UIMessage(before.id, "assistant", (*before.parts, *parts), metadata)


def _parts(blocks: Iterable[Block]) -> tuple[AnyPart, ...]:
    found: list[AnyPart] = []
    ids = ToolCallIds()
    iteration = 0
    for block in blocks:
        if isinstance(block, NoticeBlock | QuestionBlock):
            continue
        if block.iteration != iteration:
            iteration = block.iteration
            found.append(StepPart())
        match block:
            case AnswerBlock():
                found.append(TextPart(block.text, "done"))
            case ReasoningBlock():
                details = SegmentDetails(
                    block.segment_id, block.duration_ms, block.status == "interrupted"
                )
                found.extend(
                    ReasoningPart(text, "done", ProviderMetadata(details))
                    for text in block.parts
                    if text
                )
            case ToolBlock():
                found.append(_tool_part(block, ids.started(block.tool_call_id)))
            case _:
                assert_never(block)
    return tuple(found)


def _tool_part(block: ToolBlock, call: str) -> ToolPart:
    arguments = parsed_arguments(block.arguments)
    if block.status == "requested":
        return ToolPart(f"tool-{block.name}", call, "input-available", arguments)
    common = ToolPart(
        "dynamic-tool", call, "input-available", arguments, block.name, provider_executed=True
    )
    if block.status == "ok":
        return msgspec.structs.replace(common, state="output-available", output=block.result)
    text = block.result or block.status
    return msgspec.structs.replace(common, state="output-error", error_text=text)


def _with_result(part: AnyPart, results: Mapping[str, ToolResult]) -> AnyPart:
    """Return a call of the client's with its result."""
    if not isinstance(part, ToolPart) or part.provider_executed:
        return part
    result = results.get(part.tool_call_id)
    if result is None:
        return part
    if result.is_error:
        return msgspec.structs.replace(part, state="output-error", error_text=result.content)
    # As the client gave it: JSON, or a text.
    is_json = result.content.startswith(("{", "["))
    output = parsed_arguments(result.content) if is_json else result.content
    return msgspec.structs.replace(part, state="output-available", output=output)
