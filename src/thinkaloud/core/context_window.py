"""Selects the part of a long conversation that fits into a model's context window. Pure.

The current run is always included in full, preceded by as many of the latest runs as fit. The
selection is repeated for each model call, because tool results make the run longer. A run is
included or left out as a whole, so no tool call is without its result, and no result without the
reasoning that led to it.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.core.prompt_history import turns
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    ReasoningPart,
    ToolCallPart,
    ToolSchema,
    ToolTurn,
    Turn,
    UserTurn,
)

BYTES_PER_TOKEN: Final = 3
"""A low estimate on purpose: providers reject prompts that are too long."""
IMAGE_TOKENS: Final = 2_000
ANSWER_SHARE: Final = 4
"""If no output limit is set, 1/4 of the window is reserved for the answer."""


def fit_to_window(
    runs: Sequence[RunFold],
    current: RunFold,
    max_tokens: int | None,
    answer_tokens: int | None,
    always: int = 0,
) -> Sequence[RunFold]:
    """Return the latest of the earlier runs that fit into the window with the current one.

    `max_tokens` is the model's context window; None means unknown and returns all runs.
    `answer_tokens` is reserved for the answer; None: a quarter of the window. `always` is the
    number of tokens sent with every prompt (see `tokens_of_frame`). A run with results of the
    client's tools is never separated from the run that called them.
    """
    if max_tokens is None:
        return runs
    left = max_tokens - (answer_tokens or max_tokens // ANSWER_SHARE) - always
    left -= tokens(turns([current]))
    for index in range(len(runs), 0, -1):
        left -= tokens(turns([runs[index - 1]]))
        if left < 0:
            return runs[_start(runs, current, index) :]
    return runs


def _start(runs: Sequence[RunFold], current: RunFold, index: int) -> int:
    """Return the first run that does not continue another one, at `index` or after it.

    If there is none, the current run continues the last one: then, the first before it.
    """
    chain = [*runs, current]
    while index < len(chain) and chain[index].started.input.tool_results:
        index += 1
    if index < len(chain):
        return index
    index = len(runs)
    while index and chain[index].started.input.tool_results:
        index -= 1
    return index


def tokens_of_frame(system: str | None, tools: Sequence[ToolSchema]) -> int:
    """Estimate the tokens sent with every prompt: the system prompt and the tools."""
    schemas = msgspec.json.encode(tools) if tools else b""
    return _text(system or "") + len(schemas) // BYTES_PER_TOKEN


def tokens(turns: Sequence[Turn]) -> int:
    """Estimate the tokens of these turns, rather too high than too low."""
    return sum(_tokens(turn) for turn in turns)


def _tokens(turn: Turn) -> int:
    match turn:
        case UserTurn():
            return _text(turn.text) + IMAGE_TOKENS * len(turn.images)
        case ToolTurn():
            return sum(
                _text(result.content) + IMAGE_TOKENS * len(result.images) for result in turn.results
            )
        case AssistantTurn():
            parts = sum(_part(part) for part in turn.parts)
            native = len(bytes(turn.native.payload)) // BYTES_PER_TOKEN if turn.native else 0
            return max(parts, native)


def _part(part: ReasoningPart | AnswerPart | ToolCallPart) -> int:
    return _text(part.arguments if isinstance(part, ToolCallPart) else part.text)


def _text(text: str) -> int:
    return len(text.encode()) // BYTES_PER_TOKEN + 4
