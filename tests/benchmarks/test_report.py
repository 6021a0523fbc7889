"""The benchmark's table and its JSON agree, and mark missed targets."""

from pathlib import Path

from benchmarks.report.report import Machine, Report, read, table, write
from benchmarks.report.rows import rows
from benchmarks.speed.measurements import Measurements
from benchmarks.speed.streams import Load
from benchmarks.speed.variants import FLOOR_SSE, FLOOR_WS, RELAY, SSE, WS

MACHINE = Machine("2026-01-01", "1", "3.11", "Linux", 2, 0.5)
COSTS = {
    RELAY: [10.0, 12.0, 14.0],
    FLOOR_SSE: [40.0, 50.0, 60.0],
    FLOOR_WS: [40.0, 50.0, 60.0],
    SSE: [41.0, 51.0, 90.0],
    WS: [80.0, 100.0, 120.0],
}
FEW = {SSE: [91.0, 102.0, 110.0], "a peer": [408.0]}


def measured() -> Report:
    return Report(MACHINE, tuple(rows(Measurements(cpu_per_token=COSTS, cpu_per_token_of_few=FEW))))


def test_a_ratio_compares_medians_with_the_target_and_gives_that_of_the_best_beside_it() -> None:
    row = measured().row("token_vs_floor.sse")
    assert (row.median, row.best, row.target, row.met) == (51 / 50, 41 / 40, 1.05, True)
    assert measured().row("token_vs_floor.ws").met is False


def test_the_table_marks_what_misses_its_target_and_lists_rows_without_one_last() -> None:
    lines = list(table(measured().rows))
    verdicts = ["MISSED" in line for line in lines if "vs decode-and-frame" in line]
    assert verdicts == [False, True]
    with_target = ["≤" in line for line in lines[2:]]
    assert with_target == sorted(with_target, reverse=True)


def test_a_peer_is_compared_with_the_server_at_the_same_load() -> None:
    assert measured().row("peer_token.a_peer").median == 4


def test_each_number_of_streams_that_was_tried_has_its_delay() -> None:
    loads = {SSE: [Load(10, 1.0, 2.0, 0.1), Load(100, 1.0, 49.0, 0.5), Load(200, 9.0, 51.0, 0.9)]}
    report = Report(MACHINE, tuple(rows(Measurements(loads=loads))))
    delays = {row.id: row.median for row in report.rows if row.id.startswith("delay")}
    assert delays == {
        "delay_10.thinkaloud.sse": 2.0,
        "delay_100.thinkaloud.sse": 49.0,
        "delay_200.thinkaloud.sse": 51.0,
    }
    assert (report.row("streams.sse").median, report.row("streams.sse").met) == (100, False)


def test_what_was_not_measured_has_no_row() -> None:
    assert {row.id.partition(".")[0] for row in measured().rows} == {
        "token_vs_floor",
        "token_vs_relay",
        "token",
        "capacity",
        "token_of_few",
        "peer_token",
    }


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    write(measured(), tmp_path / "report.json")
    assert read(tmp_path / "report.json") == measured()
