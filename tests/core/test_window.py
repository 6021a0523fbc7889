"""What of a long conversation fits a model's window."""

import pytest

from thinkaloud.core.context_window import fit_to_window, tokens
from thinkaloud.core.prompt_history import turns
from thinkaloud.events.event import (
    AnswerDelta,
    IterationStarted,
    LoggedEvent,
    RunStarted,
    UserInput,
)
from thinkaloud.events.fold import RunFold


def run(name: str, size: int) -> RunFold:
    events = [
        RunStarted("h/m", 25, UserInput(name)),
        IterationStarted(1, 25, ""),
        AnswerDelta("a1", "x" * size),
    ]
    logged = [LoggedEvent(seq, seq, "c", name, event) for seq, event in enumerate(events, 1)]
    fold = RunFold(logged[0])
    for each in logged[1:]:
        fold.apply(each)
    return fold


RUNS = [run("one", 3_000), run("two", 3_000), run("three", 3_000)]
CURRENT = run("now", 0)


@pytest.mark.parametrize(
    ("window", "left"),
    [
        (None, ["one", "two", "three"]),
        (10_000, ["one", "two", "three"]),
        (3_000, ["two", "three"]),
        (1_500, ["three"]),
        (100, []),
    ],
)
def test_the_latest_runs_that_fit_stay_whole_and_the_others_go(
    window: int | None, left: list[str]
) -> None:
    assert [each.run_id for each in fit_to_window(RUNS, CURRENT, window, None)] == left


def test_what_is_kept_for_the_answer_is_counted() -> None:
    assert fit_to_window(RUNS, CURRENT, 4_100, 4_000) == []


def test_texts_are_counted_by_their_bytes() -> None:
    assert tokens(turns([run("x", 3_000)])) > 1_000
