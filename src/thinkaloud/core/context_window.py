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
"""Taken low on purpose: most texts have more, and a prompt too long is refused."""
IMAGE_TOKENS: Final = 2_000
ANSWER_SHARE: Final = 4
"""One part in so many of the window is left for the answer where no limit is set."""


def fit_to_window(
    runs: Sequence[RunFold],
    current: RunFold,
    max_tokens: int | None,
    answer_tokens: int | None,
    always: int = 0,
) -> Sequence[RunFold]:
    """Return the latest of the earlier runs that fit before the current one.

    `max_tokens` is the model's window; None: not known, all go. `answer_tokens` is what is to
    be left for the answer; None: a quarter of the window. `always` is what goes with each prompt.
    """
    if max_tokens is None:
        return runs
    left = max_tokens - (answer_tokens or max_tokens // ANSWER_SHARE) - always
    left -= tokens(turns([current]))
    for index in range(len(runs), 0, -1):
        left -= tokens(turns([runs[index - 1]]))
        if left < 0:
            return runs[index:]
    return runs


def tokens_of_frame(system: str | None, tools: Sequence[ToolSchema]) -> int:
    """Return about how many tokens go with each prompt: the system prompt and the tools."""
    schemas = msgspec.json.encode(tools) if tools else b""
    return _text(system or "") + len(schemas) // BYTES_PER_TOKEN


def tokens(said: Sequence[Turn]) -> int:
    """Return about how many tokens these turns take, rather too many than too few."""
    return sum(_tokens(turn) for turn in said)


def _tokens(turn: Turn) -> int:
    match turn:
        case UserTurn():
            return _text(turn.text) + IMAGE_TOKENS * len(turn.images)
        case ToolTurn():
            return sum(_text(result.content) for result in turn.results)
        case AssistantTurn():
            parts = sum(_part(part) for part in turn.parts)
            native = len(bytes(turn.native.payload)) // BYTES_PER_TOKEN if turn.native else 0
            return max(parts, native)


def _part(part: ReasoningPart | AnswerPart | ToolCallPart) -> int:
    return _text(part.arguments if isinstance(part, ToolCallPart) else part.text)


def _text(text: str) -> int:
    return len(text.encode()) // BYTES_PER_TOKEN + 4
