"""The benchmark's result as a table for people and as JSON for programs."""

import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.report.rows import Row
from thinkaloud.version import __version__


class Machine(msgspec.Struct, frozen=True):
    """Where and when it was measured."""

    date: str
    version: str
    python: str
    system: str
    cores: int
    load: float
    """Average number of running processes in the minute before and during the benchmark."""


class Report(msgspec.Struct, frozen=True):
    """The result of one benchmark run. Rows of two reports must not be compared."""

    machine: Machine
    rows: tuple[Row, ...]

    def row(self, id: str) -> Row:
        """Return the row of this id. Raises `KeyError`."""
        for row in self.rows:
            if row.id == id:
                return row
        raise KeyError(id)


def this_machine() -> Machine:
    """Describe this machine."""
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        version=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        load=round(os.getloadavg()[0], 1),
    )


def heading(machine: Machine) -> str:
    """Describe a machine in one line."""
    return (
        f"thinkaloud {machine.version}, Python {machine.python}, {machine.system},"
        f" {machine.cores} cores with a load of {machine.load:g}, {machine.date}"
    )


def number(value: float, unit: str) -> str:
    """Format a figure with the digits that mean something."""
    if unit == "tokens/s":
        return f"{round(value, -2):,.0f}"
    if unit in {"%", ""}:
        return f"{value:,.0f}"
    if unit == "s" or abs(value) < 10:
        return f"{value:.2f}"
    return f"{value:,.1f}"


def with_unit(value: float, unit: str) -> str:
    """Format a figure with its unit."""
    return f"{number(value, unit)} {unit}".strip()


_VERDICTS: Final = {True: "met", False: "MISSED", None: ""}
_SIGNS: Final = {"at most": "≤", "at least": "≥"}
HEADER: Final = ("what", "target", "median", "best", "", "how measured")


def cells(row: Row) -> tuple[str, str, str, str, str, str]:
    """Return a row as text, in the columns of `HEADER`."""
    target = ""
    if row.target is not None:
        target = f"{_SIGNS[row.bound]} {with_unit(row.target, row.unit)}"
    best = "" if row.best is None else number(row.best, row.unit)
    median = with_unit(row.median, row.unit)
    return row.what, target, median, best, _VERDICTS[row.met], row.method


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of the table: rows with a target first."""
    ordered = sorted(rows, key=lambda row: row.target is None)
    lines = [HEADER, *(cells(row) for row in ordered)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    for place, line in enumerate(lines):
        padded = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
        yield "  ".join(padded).rstrip()
        if place == 0:
            yield "  ".join("-" * width for width in widths)


def write(report: Report, path: Path) -> None:
    """Write a report as JSON."""
    data = msgspec.json.format(msgspec.json.encode(report), indent=1)
    path.write_bytes(data + b"\n")


def read(path: Path) -> Report:
    """Read a report. Raises `msgspec.DecodeError` if it is not one."""
    return msgspec.json.decode(path.read_bytes(), type=Report)
