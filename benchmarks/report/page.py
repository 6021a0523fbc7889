"""The page about speed and the README's paragraph, from the committed benchmark report.

They need no benchmark run: `make bench ARGS='--json benchmarks/results.json'` makes a new report.
"""

import textwrap
from typing import Final

from benchmarks.report.report import Report, cells, heading, number, read, with_unit
from scripts.tree import ROOT

REPORT: Final = ROOT / "benchmarks" / "results.json"
_INTRODUCTION: Final = """\
# Speed

<!-- Generated from benchmarks/results.json by `make generate`. -->

What the server costs between a provider and a client, as `make bench` printed it on one machine:
{machine}.

![Bars: CPU per token of the byte relay, of decode-and-frame, and of thinkaloud.](../pictures/speed.svg)

Two floors are measured in the same run. The **byte relay** copies bytes and looks at none of them. **Decode-and-frame**
does what has to be done per token and nothing else, with the same libraries and the same decoder: receive, decode, frame,
send. It has no log, so nothing can be resumed, stopped, stored or followed by a second client. What the server costs beyond
it is what its promises cost. Other servers, if there are any below, are compared with 10 streams instead of 40, because not
all of them keep up with more. A token costs more then, also here: caches are colder. Figures of different runs or machines can't be compared; the ratios within one run can.

[benchmarks/README.md](../../benchmarks/README.md) explains how it is measured and where a token's time goes.

| what | target | median | best | |
|---|---|---|---|---|
"""
_PARAGRAPH: Final = """\
A token costs {token} of CPU between the provider's socket and the client's: {ratio} what the same libraries take to decode
and frame it without a log. The first token comes {first} later than through a relay of bytes, and each additional follower
of a run costs {follower} per frame.
"""
_METHOD: Final = """\
(Medians of one run of `make bench` on {cores} shared cores, over Server-Sent Events: {streams}; {requests}; a run with 100
followers. For everything else that it measures, see [Speed](docs/reference/speed.md).)
"""
_WIDTH: Final = 120


def committed() -> Report:
    """Read the committed report."""
    return read(REPORT)


def page() -> str:
    """Return the text of docs/reference/speed.md."""
    found = committed()
    ordered = sorted(found.rows, key=lambda row: row.target is None)
    lines = (f"| {' | '.join(_cell(text) for text in cells(row)[:5])} |\n" for row in ordered)
    return _INTRODUCTION.format(machine=heading(found.machine)) + "".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def readme_paragraph() -> str:
    """Return the README's paragraph about speed: three figures and how they were measured."""
    found = committed()

    def median(id: str) -> str:
        row = found.row(id)
        return with_unit(row.median, row.unit)

    text = _PARAGRAPH.format(
        token=median("token.thinkaloud.sse"),
        ratio=f"{number(found.row('token_vs_floor.sse').median, '×')} times",
        first=median("first_added.sse"),
        follower=median("follower.100"),
    )
    method = _METHOD.format(
        cores=found.machine.cores,
        streams=found.row("token.thinkaloud.sse")
        .method.partition(",")[0]
        .replace("tokens/s", "tokens a second"),
        requests=found.row("first_added.sse").method.partition(",")[0],
    )
    return textwrap.fill(" ".join(f"{text} {method}".split()), _WIDTH, break_on_hyphens=False)
