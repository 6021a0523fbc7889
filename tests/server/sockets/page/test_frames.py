"""The frames of `/ws` carry the whole log: folding them gives the server's state."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from thinkaloud.events.codec import decode
from thinkaloud.events.event import LoggedEvent
from thinkaloud.events.fold import Fold
from thinkaloud.events.view import ConversationView
from thinkaloud.server.wires.page.encode import page_frames

Json = dict[str, Any]
SESSIONS = sorted((Path(__file__).parents[3] / "sessions").glob("*.jsonl"))
SEGMENTS = {
    "reasoning_delta": "reasoning.delta",
    "reasoning_end": "reasoning.ended",
    "delta": "answer.delta",
    "stream_end": "answer.ended",
    "reclassified": "segment.reclassified",
}
PLAIN = {"progress": "iteration.started", "notice": "notice", "turn_end": "run.ended"}
PLACE = {"chat_id", "run_id", "seq", "at_ms", "event", "phase"}
PLACE |= {"client_message_id", "turn_id", "starts_turn"}
INPUT = {"text", "context", "context_files", "image_path", "tool_results"}
TOOLS = {"start": "tool.started", "end": "tool.ended", "requested": "tool.requested"}


def session(path: Path) -> list[LoggedEvent]:
    return [decode(line) for line in path.read_text(encoding="utf-8").splitlines()]


def event_of(frame: Json) -> Json:
    """What a client makes of a frame: the event that it tells."""
    name = frame["event"]
    rest = {key: value for key, value in frame.items() if key not in PLACE}
    if name in SEGMENTS:
        return {"type": SEGMENTS[name], "segment_id": rest.pop("stream_id"), **rest}
    if name in PLAIN:
        return {"type": PLAIN[name], **rest}
    if name == "user_message":
        given = {key: value for key, value in rest.items() if key in INPUT}
        others = {key: value for key, value in rest.items() if key not in INPUT}
        return {"type": "run.started", "input": given, **others}
    if name == "tool_event":
        return {"type": TOOLS[frame["phase"]], **rest}
    if name == "version_selected":
        return {"type": "version.selected", "run_id": frame["run_id"]}
    assert name == "model_end"
    return {"type": "model.responded", "finish_reason": "stop", **rest}


def folded(frames: list[Json], conversation_id: str) -> ConversationView:
    fold = Fold(conversation_id)
    for frame in frames:
        logged = {
            "seq": frame["seq"],
            "at_ms": frame["at_ms"],
            "conversation_id": frame["chat_id"],
            "run_id": "" if frame["event"] == "version_selected" else frame["run_id"],
            "event": event_of(frame),
        }
        fold.apply(msgspec.convert(logged, LoggedEvent))
    return fold.view()


@pytest.mark.promise("P8", "P4")
@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_the_frames_of_a_session_fold_to_what_the_log_folds_to(path: Path) -> None:
    events = session(path)
    wire = page_frames(reasoning=True)
    frames = [json.loads(wire.frame(each) or b"null") for each in events]
    log = Fold(events[0].conversation_id)
    for each in events:
        log.apply(each)
    assert folded(frames, log.conversation_id) == log.view()


@pytest.mark.promise("P7")
@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_without_reasoning_all_other_frames_are_the_same(path: Path) -> None:
    events = session(path)
    whole, plain = page_frames(reasoning=True), page_frames(reasoning=False)
    for each in events:
        shown, kept = whole.frame(each), plain.frame(each)
        assert shown is not None
        frame = json.loads(shown)
        if frame["event"] in {"reasoning_delta", "reasoning_end"}:
            assert kept is None
        elif frame["event"] == "reclassified" and frame["to"] == "reasoning":
            assert kept is not None
            assert json.loads(kept) == {**frame, "to": "withdrawn"}
        elif frame["event"] == "reclassified":
            assert kept is None  # The reader never had that thought.
        elif frame["event"] == "model_end":
            assert kept is not None
            assert json.loads(kept) == {**frame, "reasoning_status": "none"}
        else:
            assert kept == shown


@pytest.mark.promise("P7")
@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_a_snapshot_is_the_fold_and_without_reasoning_the_fold_without_it(path: Path) -> None:
    fold = Fold("c")
    for each in session(path):
        fold.apply(each)
    view = fold.view()
    whole = json.loads(page_frames(reasoning=True).snapshot(view, fold.seq, ()))
    assert msgspec.convert(whole["conversation"], ConversationView) == view
    shown = [*view.runs, *([view.attempt] if view.attempt else [])]
    everyone = [run.run_id for run in shown]
    for bare in (
        page_frames(reasoning=False).snapshot(view, fold.seq, ()),
        page_frames(reasoning=True).snapshot(view, fold.seq, everyone),
    ):
        found = msgspec.convert(json.loads(bare)["conversation"], ConversationView)
        assert not any(run.reasoning for run in found.runs)
        assert found.attempt is None or not found.attempt.reasoning
        assert [run.response for run in found.runs] == [run.response for run in view.runs]
