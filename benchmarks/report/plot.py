"""The plot of the page about speed, as SVG, from the committed benchmark report."""

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.report.page import committed
from benchmarks.report.report import number
from benchmarks.report.rows import Row
from benchmarks.speed.tokens import PEER_STREAMS, RATE, STREAMS

_BAR: Final = 34
_LEFT: Final = 250
_SCALE_WIDTH: Final = 420
_RIGHT: Final = 130
_TOP: Final = 64
_NOTE: Final = (
    f"µs, less is better; dark: best window, light: median; {STREAMS} streams of {RATE} tokens/s"
)
_OF_FEW: Final = f" ({PEER_STREAMS} streams where it says so)"
_STYLE: Final = """\
<style>
text { font-family: system-ui, "DejaVu Sans", sans-serif; font-size: 14px; fill: #24292f; }
.title { font-size: 16px; font-weight: 600; }
.note { font-size: 12px; fill: #57606a; }
</style>
"""


def plot() -> str:
    """Return the text of docs/pictures/speed.svg: CPU per token, best and median."""
    bars = [row for row in committed().rows if row.id.startswith(("token.", "token_of_few."))]
    note = _NOTE + (_OF_FEW if any(row.id.startswith("token_of_few.") for row in bars) else "")
    longest = max(row.median for row in bars)
    width, height = _LEFT + _SCALE_WIDTH + _RIGHT, _TOP + _BAR * len(bars) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n',
        "<title>CPU per token in microseconds</title>\n",
        _STYLE,
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n',
        '<text class="title" x="16" y="26">CPU per token</text>\n',
        f'<text class="note" x="16" y="46">{note}</text>\n',
    ]
    for place, row in enumerate(bars):
        parts += _bar(row, _TOP + place * _BAR, _SCALE_WIDTH / longest)
    return "".join([*parts, "</svg>\n"])


def _bar(row: Row, top: int, scale: float) -> Iterator[str]:
    name = escape(row.what.partition(": ")[2])
    if row.id.startswith("token_of_few."):
        name += f" ({PEER_STREAMS})"
    ours = name.startswith("thinkaloud")
    dark, light = ("#1f6feb", "#a5c8ff") if ours else ("#6e7781", "#d0d7de")
    best = row.median if row.best is None else row.best
    middle = top + _BAR // 2
    for value, color in ((row.median, light), (best, dark)):
        yield (
            f'<rect x="{_LEFT}" y="{top + 5}" width="{value * scale:.1f}"'
            f' height="{_BAR - 10}" fill="{color}"/>\n'
        )
    label = f"{number(best, row.unit)} / {number(row.median, row.unit)}"
    yield f'<text x="{_LEFT - 12}" y="{middle + 5}" text-anchor="end">{name}</text>\n'
    yield f'<text x="{_LEFT + row.median * scale + 8:.1f}" y="{middle + 5}">{label}</text>\n'
