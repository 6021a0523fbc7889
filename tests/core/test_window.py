"""Which part of a long conversation fits into a model's context window."""

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
from thinkaloud.events.prompt import ToolResult


def run(name: str, size: int, results: tuple[ToolResult, ...] = ()) -> RunFold:
    events = [
        RunStarted("h/m", 25, UserInput(name, tool_results=results)),
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
def test_the_latest_runs_that_fit_stay_complete_and_others_are_dropped(
    window: int | None, left: list[str]
) -> None:
    assert [each.run_id for each in fit_to_window(RUNS, CURRENT, window, None)] == left


RESULTS = (ToolResult("call_1", "open_file", "x"),)


@pytest.mark.parametrize(("window", "left"), [(3_000, ["three"]), (1_500, ["three"])])
def test_a_run_with_results_of_the_clients_tools_is_not_separated_from_its_calls(
    window: int, left: list[str]
) -> None:
    runs = [run("one", 3_000), run("two", 3_000, RESULTS), run("three", 3_000)]
    assert [each.run_id for each in fit_to_window(runs, CURRENT, window, None)] == left


def test_the_calls_whose_results_the_current_run_gives_are_always_sent() -> None:
    runs = [run("one", 3_000), run("two", 3_000), run("three", 3_000, RESULTS)]
    current = run("now", 0, RESULTS)
    assert [each.run_id for each in fit_to_window(runs, current, 100, None)] == ["two", "three"]


def test_space_reserved_for_the_answer_is_counted() -> None:
    assert fit_to_window(RUNS, CURRENT, 4_100, 4_000) == []


def test_texts_are_counted_by_their_bytes() -> None:
    assert tokens(turns([run("x", 3_000)])) > 1_000
