"""Reads the log wire of a server. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final, get_args

import msgspec

from thinkaloud.events import codec
from thinkaloud.events.event import AnswerDelta, Event, LoggedEvent, ReasoningDelta
from thinkaloud.events.view import AnswerBlock, Block, ReasoningBlock
from thinkaloud.server.wires.log.lines import LogError, LogFailure, LogLine, LogSnapshot

_KNOWN: Final = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Event))


class _Event(msgspec.Struct, frozen=True):
    type: str


class _Line(msgspec.Struct, frozen=True):
    event: _Event | None = None
    error: LogError | None = None


def read_line(data: bytes) -> LogLine | None:
    """Decode one line; None for an event of a kind that only a newer version knows.

    Raises `msgspec.MsgspecError` if it is no line of a log.
    """
    try:
        return codec.decode(data)
    except msgspec.ValidationError:
        line = msgspec.json.decode(data, type=_Line)
        if line.event is not None:
            if line.event.type in _KNOWN:
                raise
            return None
    if line.error is not None:
        return msgspec.json.decode(data, type=LogFailure)
    return msgspec.json.decode(data, type=LogSnapshot)


def missing_text(
    line: LogSnapshot, run_id: str, lengths: Mapping[str, int]
) -> Iterator[LoggedEvent]:
    """Yield the text of a run that a client does not have yet, as deltas at the snapshot's `seq`.

    `lengths` says how much of each segment it has. Everything but text follows as events of its
    own.
    """
    for run in line.snapshot.runs:
        for block in run.blocks if run.run_id == run_id else ():
            event = _rest_of(block, lengths)
            if event is not None:
                yield LoggedEvent(line.seq, run.started_at_ms, line.conversation_id, run_id, event)


def _rest_of(block: Block, lengths: Mapping[str, int]) -> AnswerDelta | ReasoningDelta | None:
    if not isinstance(block, AnswerBlock | ReasoningBlock):
        return None
    rest = block.text[lengths.get(block.segment_id, 0) :]
    if not rest:
        return None
    if isinstance(block, AnswerBlock):
        return AnswerDelta(block.segment_id, rest)
    return ReasoningDelta(block.segment_id, rest, len(block.parts) - 1)
