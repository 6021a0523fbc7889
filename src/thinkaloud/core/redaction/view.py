"""Redacts views of runs: the result is the fold of the redacted events. Pure."""

from typing import Final

import msgspec

from thinkaloud.core.redaction.events import RunRedactor
from thinkaloud.core.redaction.redactor import Redactor
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    Notice,
    ReasoningDelta,
    ReasoningEnded,
)
from thinkaloud.events.view import AnswerBlock, Block, ReasoningBlock, RunView

_SEPARATOR: Final = Notice(code="", message="")
"""Separates the texts of two iterations: a secret does not continue across it."""


def redacted_run(run: RunView, redactor: Redactor, *, answers: bool) -> RunView:
    """Return a run with its reasoning redacted.

    The end of the text of an active run is left out while it could be the start of a secret.
    """
    if not _may_change(run, redactor, answers=answers):
        return run
    parts: dict[tuple[int, int], list[str]] = {}
    places: list[tuple[int, int]] = []
    events: list[Event] = []
    for event, place in _events(run):
        places.append(place)
        events.append(event)
    runner = RunRedactor(redactor, answers=answers)
    result = runner.take((event, number) for number, event in enumerate(events))
    if run.ended_at_ms is not None:
        result += runner.finish()
    for event, number in result:
        if isinstance(event, ReasoningDelta | AnswerDelta):
            parts.setdefault(places[number], []).append(event.text)
    blocks = [_block(block, index, parts) for index, block in enumerate(run.blocks)]
    return msgspec.structs.replace(run, blocks=tuple([each for each in blocks if each is not None]))


def hidden_run(run: RunView) -> RunView:
    """Return a run without its reasoning, and the status that says so."""
    blocks = tuple([block for block in run.blocks if not isinstance(block, ReasoningBlock)])
    status = "hidden_by_policy" if run.reasoning_status == "shown" else run.reasoning_status
    return msgspec.structs.replace(run, blocks=blocks, reasoning_status=status)


def _may_change(run: RunView, redactor: Redactor, *, answers: bool) -> bool:
    find = redactor.find_start
    return any(
        (isinstance(block, ReasoningBlock) and find(block.text))
        or (isinstance(block, AnswerBlock) and answers and find(block.text))
        for block in run.blocks
    )


def events_of(run: RunView) -> list[Event]:
    """Return events whose fold has the texts of a run."""
    return [event for event, _ in _events(run)]


def _events(run: RunView) -> list[tuple[Event, tuple[int, int]]]:
    """Return the events of a run's text, each with its block and part."""
    found: list[tuple[Event, tuple[int, int]]] = []
    iteration = 0
    for index, block in enumerate(run.blocks):
        its_iteration = getattr(block, "iteration", iteration)
        if not isinstance(block, ReasoningBlock | AnswerBlock) or its_iteration != iteration:
            found.append((_SEPARATOR, (index, 0)))
        iteration = its_iteration
        if isinstance(block, ReasoningBlock):
            for part, text in enumerate(block.parts):
                if text:
                    found.append((ReasoningDelta(block.segment_id, text, part), (index, part)))
            if block.status != "open":
                found.append((ReasoningEnded(block.segment_id, 0), (index, 0)))
        elif isinstance(block, AnswerBlock):
            found.append((AnswerDelta(block.segment_id, block.text), (index, 0)))
            if block.status != "open":
                found.append((AnswerEnded(block.segment_id), (index, 0)))
    return found


def _block(block: Block, index: int, parts: dict[tuple[int, int], list[str]]) -> Block | None:
    """Return a block with its redacted text; None if nothing of it is left."""
    if isinstance(block, ReasoningBlock):
        texts = ["".join(parts.get((index, part), ())) for part in range(len(block.parts))]
        return msgspec.structs.replace(block, parts=tuple(texts)) if any(texts) else None
    if isinstance(block, AnswerBlock):
        text = "".join(parts.get((index, 0), ()))
        return msgspec.structs.replace(block, text=text) if text else None
    return block
