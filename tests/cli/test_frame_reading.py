"""The frames of the API, read back as events: a view cannot tell them from the events themselves."""

import itertools
from collections.abc import Sequence

import msgspec
import pytest

from scripts.tree import ROOT
from thinkaloud.cli.backend.frame_reading import FrameReading, frame_of
from thinkaloud.errors import InternalError
from thinkaloud.events import codec
from thinkaloud.events.event import LoggedEvent, ModelResponded, RunEnded, RunStarted
from thinkaloud.events.fold import Fold
from thinkaloud.events.view import Block, NoticeBlock, ReasoningBlock, RunView
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.server.wires.chat.encode import chat_wire
from thinkaloud.server.wires.chat.frames import Frame, Token, TokenFrame

WIRE = chat_wire("text", reasoning=True)


def runs() -> list[list[LoggedEvent]]:
    """Every run of the recorded sessions."""
    found: list[list[LoggedEvent]] = []
    for path in sorted((ROOT / "tests" / "sessions").glob("*.jsonl")):
        logged = [codec.decode(line) for line in path.read_bytes().splitlines()]
        grouped = itertools.groupby(logged, lambda each: each.run_id)
        found += [list(group) for run_id, group in grouped if run_id]
    return found


RUNS = runs()
ENDED = [run for run in RUNS if isinstance(run[-1].event, RunEnded)]


def request_of(run: Sequence[LoggedEvent]) -> RunRequest:
    started = run[0].event
    assert isinstance(started, RunStarted)
    given = started.input
    return RunRequest(
        given.text,
        context=given.context,
        context_files=given.context_files,
        image_path=given.image_path,
        replaces=started.replaces,
    )


def frame(data: bytes) -> Frame:
    return msgspec.json.decode(data, type=Frame)


def view(run: Sequence[LoggedEvent]) -> RunView:
    fold = Fold(run[0].conversation_id)
    for logged in run:
        fold.apply(logged)
    return fold.runs[run[0].run_id].view()


def frames(run: Sequence[LoggedEvent]) -> list[tuple[Frame, int]]:
    """What the server sends of a run, and when."""
    found: list[tuple[Frame, int]] = []
    for logged in run:
        if isinstance(logged.event, RunEnded):
            data = WIRE.end(view(run), logged.conversation_id, logged.seq)
        else:
            data = WIRE.encode(logged)
        if data is not None:
            found.append((frame(data), logged.at_ms))
    return found


def read(request: RunRequest, given: Sequence[tuple[Frame, int]]) -> list[LoggedEvent]:
    reading = FrameReading(request)
    return [logged for each, at_ms in given for logged in reading.take(each, at_ms)]


@pytest.mark.promise("P4", "P8")
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run[0].run_id)
def test_the_events_of_a_run_come_back_from_its_frames(run: list[LoggedEvent]) -> None:
    found = read(request_of(run), frames(run))
    expected = [each for each in run if not isinstance(each.event, ModelResponded)]
    started = expected[0].event
    assert isinstance(started, RunStarted)
    begun = msgspec.structs.replace(started, attachments=())  # who asked has the files
    assert [each.event for each in found] == [begun, *(each.event for each in expected[1:])]
    assert [each.seq for each in found] == [each.seq for each in expected]


def blocks(run: Sequence[LoggedEvent]) -> list[Block]:
    """What was said; not when a thought began and in which model call, which a snapshot hides."""
    found: list[Block] = []
    for block in view(run).blocks:
        if isinstance(block, ReasoningBlock):
            found.append(msgspec.structs.replace(block, iteration=0, started_at_ms=0))
        elif isinstance(block, NoticeBlock):
            found.append(block)
        else:
            found.append(msgspec.structs.replace(block, iteration=0))
    return found


@pytest.mark.promise("P4", "P9")
@pytest.mark.parametrize("run", ENDED, ids=lambda run: run[0].run_id)
def test_a_snapshot_at_any_place_gives_what_has_not_come_yet_and_nothing_twice(
    run: list[LoggedEvent],
) -> None:
    fold = Fold(run[0].conversation_id)
    for logged in run:
        fold.apply(logged)
    all_of_it = frame(WIRE.snapshot(fold.view(), fold.seq, run[0].run_id))
    sent = frames(run)
    for backend in range(len(sent)):
        found = read(request_of(run), [*sent[:backend], (all_of_it, run[-1].at_ms), sent[-1]])
        assert blocks(found) == blocks(run)
        assert [type(each.event) for each in found].count(RunEnded) == 1


def test_an_event_of_a_kind_that_is_not_known_yet_is_passed_over() -> None:
    known = frame_of(b"token", b'{"token": "a", "segment_id": "1:a1"}', run_id="run_1", seq=7)
    assert known == TokenFrame(Token("a", "1:a1"), 7, "run_1")
    assert frame_of(b"weather", b'{"rain": true}', run_id="run_1", seq=8) is None


def test_a_run_without_a_beginning_is_a_fault_and_not_shown() -> None:
    told = frames(RUNS[0])[1]
    with pytest.raises(InternalError, match="has not begun"):
        FrameReading(RunRequest("Why?")).take(*told)
