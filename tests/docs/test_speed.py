"""The documents quote the speed that the benchmark printed."""

import re

from benchmarks.report.page import committed, readme_paragraph
from benchmarks.report.report import with_unit
from scripts.tree import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
FIGURE = re.compile(r"\d[\d.,]*\d? ?(?:µs|ms|KiB|×|times|tokens/s)")


def test_the_readme_quotes_three_figures_of_the_committed_report_with_their_method() -> None:
    assert readme_paragraph() in README


def test_the_readme_quotes_no_figure_that_the_benchmark_does_not_print() -> None:
    printed = {with_unit(row.median, row.unit).replace("×", "times") for row in committed().rows}
    assert set(FIGURE.findall(README)) - printed == set()
