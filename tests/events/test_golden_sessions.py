"""Golden sessions: the Python and the TypeScript fold get the same state from the same logs."""

import json
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from thinkaloud.events import codec
from thinkaloud.events.event import LoggedEvent
from thinkaloud.events.fold import Fold

ROOT = Path(__file__).resolve().parents[2]
LOGS = sorted((ROOT / "tests" / "sessions").glob("*.jsonl"))
SCHEMA = json.loads((ROOT / "schema" / "events.schema.json").read_text(encoding="utf-8"))


def read(path: Path) -> list[LoggedEvent]:
    return [codec.decode(line) for line in path.read_text(encoding="utf-8").splitlines()]


def definition(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})


@pytest.mark.promise("P8")
@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_the_fold_of_a_golden_log_is_its_golden_view(path: Path) -> None:
    events = read(path)
    fold = Fold(events[0].conversation_id)
    for event in events:
        fold.apply(event)

    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert json.loads(msgspec.json.encode(fold.view())) == expected


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_golden_logs_and_views_are_as_the_published_schema_says(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        definition("LoggedEvent").validate(json.loads(line))
    view = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    definition("ConversationView").validate(view)


def test_the_schema_requires_every_field_that_is_always_written() -> None:
    block = {"type": "reasoning", "segment_id": "s", "iteration": 1, "parts": [], "status": "open"}
    assert not definition("ReasoningBlock").is_valid(block)
    whole = block | {"started_at_ms": 1, "duration_ms": None}
    assert definition("ReasoningBlock").is_valid(whole)


def test_golden_sessions_number_their_events_from_one_without_a_gap() -> None:
    assert LOGS
    for path in LOGS:
        assert [event.seq for event in read(path)] == [*range(1, len(read(path)) + 1)], path.stem
