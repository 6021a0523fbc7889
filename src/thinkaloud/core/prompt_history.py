"""Convert the folded runs of a conversation to the turns of the next prompt. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Final

import msgspec

from thinkaloud.core.segments import BLANK_LINE
from thinkaloud.events.event import Attachment, ModelResponded
from thinkaloud.events.fold import RunFold
from thinkaloud.events.model import ProviderPayload, ToolCall
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantPart,
    AssistantTurn,
    Image,
    ReasoningPart,
    ToolCallPart,
    ToolResult,
    ToolTurn,
    Turn,
    UserTurn,
)
from thinkaloud.events.view import (
    AnswerBlock,
    Block,
    NoticeBlock,
    QuestionBlock,
    ReasoningBlock,
    ToolBlock,
)

MAX_PICTURE_BYTES: Final = 20 * 2**20
"""The maximum size of all images in a prompt, which every provider accepts, and in a message."""
NOT_RUN = "Not executed: the run ended before this call."
"""The result of a call that was never run; providers require a result for every call."""
NO_RESULT: Final = "The client returned no result for this call."


FindPayload = Callable[[str, int], ProviderPayload | None]
"""Finds the provider's payload of a run's response that is not in the log."""


def turns(
    runs: Sequence[RunFold],
    *,
    picture_bytes: int = MAX_PICTURE_BYTES,
    find_payload: FindPayload | None = None,
) -> tuple[Turn, ...]:
    """Return the turns of these runs, oldest first; the last run may still be running.

    The images of the last run are included, and the latest of the others, up to `picture_bytes` in
    total; older ones are replaced with their names. 0: for a model that accepts no images.
    """
    found: list[Turn] = []
    shown = _shown(runs, picture_bytes)
    for run, following in zip_longest(runs, runs[1:]):
        asked = _user_turn(run, shows=run.run_id in shown)
        # Empty if the run continues with results of the client's tools, or from given history.
        if asked.text or asked.images:
            found.append(asked)
        returned = () if following is None else following.started.input.tool_results
        said_before = False
        by_iteration = _by_iteration(run.view().blocks)
        for iteration in sorted(by_iteration.keys() | run.responses.keys()):
            blocks = by_iteration.get(iteration, [])
            responded = _complete(run, iteration, find_payload)
            images = run.images if run.run_id in shown else {}
            results = _Results(returned, images)
            found.extend(_iteration(blocks, responded, results, said_before=said_before))
            said_before = said_before or any(
                isinstance(block, AnswerBlock) and not block.text.isspace() for block in blocks
            )
    return tuple(found)


def user_text(
    text: str,
    context: Mapping[str, object],
    attachments: Iterable[Attachment],
    *,
    shows: bool = True,
) -> str:
    """Return the user's text, preceded by the context and the attached text files.

    If `shows` is false, the images are not sent, and their names are included instead.
    """
    pieces: list[str] = []
    if context:
        lines = [f"{key}: {_plain(value)}" for key, value in context.items()]
        pieces.append("<context>\n" + "\n".join(lines) + "\n</context>")
    for attachment in attachments:
        if not attachment.base64:
            pieces.append(f'<file name="{attachment.name}">\n{attachment.text}\n</file>')
        elif not shows:
            pieces.append(f'<picture name="{attachment.name}">not shown again</picture>')
    if text:
        pieces.append(text)
    return "\n\n".join(pieces)


def _shown(runs: Sequence[RunFold], picture_bytes: int) -> set[str]:
    """Return the ids of the runs whose images are included."""
    shown: set[str] = set()
    left = picture_bytes
    for run in reversed(runs):
        left -= sum(len(each.base64) for each in run.attachments) * 3 // 4
        left -= sum(len(each.base64) for images in run.images.values() for each in images) * 3 // 4
        if left < 0 and (shown or not picture_bytes):
            break
        shown.add(run.run_id)
    return shown


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _user_turn(run: RunFold, *, shows: bool) -> UserTurn:
    given = run.started.input
    images = tuple(
        Image(attachment.media_type, attachment.base64)
        for attachment in run.attachments
        if attachment.base64 and shows
    )
    text = user_text(given.text, given.context, run.attachments, shows=shows)
    return UserTurn(text, images)


def _by_iteration(blocks: Iterable[Block]) -> dict[int, list[Block]]:
    found: dict[int, list[Block]] = {}
    for block in blocks:
        if not isinstance(block, NoticeBlock | QuestionBlock):
            found.setdefault(block.iteration, []).append(block)
    return found


def _complete(
    run: RunFold, iteration: int, find_payload: FindPayload | None
) -> ModelResponded | None:
    """Return the response of an iteration, with the payload that is not in the log."""
    responded = run.responses.get(iteration)
    if responded is None or responded.native is not None or find_payload is None:
        return responded
    payload = find_payload(run.run_id, iteration)
    return responded if payload is None else msgspec.structs.replace(responded, native=payload)


def _iteration(
    blocks: list[Block],
    responded: ModelResponded | None,
    results: "_Results",
    *,
    said_before: bool,
) -> list[Turn]:
    calls = responded.tool_calls if responded else ()
    if responded is None:
        # An interrupted response: its text is kept, its native payload is not available.
        parts = _parts(blocks, with_reasoning=False, said_before=said_before)
        return [AssistantTurn(parts)] if parts else []
    parts = (
        *_parts(blocks, with_reasoning=True, said_before=said_before),
        *(ToolCallPart(call.tool_call_id, call.name, call.arguments) for call in calls),
    )
    if not parts and responded.native is None:
        return []
    turns: list[Turn] = [AssistantTurn(parts, responded.native)]
    if calls:
        turns.append(results.turn(calls, blocks))
    return turns


def _parts(
    blocks: list[Block], *, with_reasoning: bool, said_before: bool
) -> tuple[AssistantPart, ...]:
    parts: list[AssistantPart] = []
    for block in blocks:
        if isinstance(block, AnswerBlock):
            text = block.text.removeprefix(BLANK_LINE) if said_before else block.text
            said_before = said_before or not text.isspace()
            parts.append(AnswerPart(text))
        elif isinstance(block, ReasoningBlock) and with_reasoning:
            parts.append(ReasoningPart(block.text))
    return tuple(parts)


class _Results:
    """The results of a run's tool calls: `returned` by the client, and with `images` by call."""

    def __init__(
        self, returned: Sequence[ToolResult], images: Mapping[str, tuple[Image, ...]]
    ) -> None:
        self._given = {result.tool_call_id: result for result in returned}
        self._images = images

    def turn(self, calls: Iterable[ToolCall], blocks: Iterable[Block]) -> ToolTurn:
        """Return the results of one response, in the order of its calls."""
        found = {block.tool_call_id: block for block in blocks if isinstance(block, ToolBlock)}
        return ToolTurn(tuple(self._result(call, found.get(call.tool_call_id)) for call in calls))

    def _result(self, call: ToolCall, block: ToolBlock | None) -> ToolResult:
        tool_call_id, name = call.tool_call_id, call.name
        if block is not None and block.status == "requested":
            given = self._given.get(tool_call_id)
            if given is None:
                return ToolResult(tool_call_id, name, NO_RESULT, is_error=True)
            return ToolResult(tool_call_id, name, given.content, is_error=given.is_error)
        if block is None or block.status == "running":
            return ToolResult(tool_call_id, name, NOT_RUN, is_error=True)
        images = self._images.get(tool_call_id, ())
        return ToolResult(
            tool_call_id, name, block.result, is_error=block.status != "ok", images=images
        )
