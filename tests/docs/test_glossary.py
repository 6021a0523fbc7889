"""The glossary uses the same names as the code."""

import re
from collections.abc import Iterator
from typing import get_args

from scripts.tree import ROOT, project_files
from tests.docs.examples import DOCS
from thinkaloud.events.event import Event
from thinkaloud.server.wires.chat.frames import Frame
from thinkaloud.server.wires.page.frames import Frame as PageFrame

PAGE = DOCS / "reference" / "glossary.md"
TERMS, EVENTS = "term", "log event"
REQUIRED = {
    *("API format", "backpressure", "coalesce", "compaction", "cursor", "dialect", "event log"),
    *("family", "host", "lease", "owner", "principal", "run", "segment", "snapshot", "wire"),
}


def rows(first: str) -> Iterator[list[str]]:
    """The rows of every table whose first column has this heading."""
    inside = False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and not line.startswith("|---"):
            if inside:
                yield cells
            inside = inside or cells[0] == first
        elif not line.startswith("|"):
            inside = False


def names(cell: str) -> Iterator[str]:
    """The identifiers in a cell; paths, values and examples are left out."""
    for code in re.findall(r"`([^`]+)`", cell):
        if re.fullmatch(r"[A-Za-z_][\w.]*(?:\[\"\w+\"\])?(?:: \w+)?", code):
            yield from re.findall(r"[A-Za-z_]\w*", code.partition(":")[0])


def words_of(folder: str, *suffixes: str) -> set[str]:
    return {
        word
        for path in project_files()
        if (ROOT / folder) in path.parents and path.suffix in suffixes
        for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))
    }


def test_every_name_in_the_python_column_is_a_name_in_the_source() -> None:
    known = words_of("src/thinkaloud", ".py")
    found = [name for row in rows(TERMS) for name in names(row[1])]
    assert len(found) > 40
    assert [name for name in found if name not in known] == []


def test_every_name_in_the_typescript_column_is_a_name_in_the_web_ui() -> None:
    known = words_of("webui/src", ".ts", ".tsx")
    found = [name for row in rows(TERMS) for name in names(row[3])]
    assert len(found) > 20
    assert [name for name in found if name not in known] == []


def test_every_event_is_listed_with_the_frames_that_carry_it() -> None:
    listed = list(rows(EVENTS))
    tags = [str(kind.__struct_config__.tag) for kind in get_args(Event)]
    assert [row[0].strip("`") for row in listed] == tags
    for column, frame in ((1, Frame), (2, PageFrame)):
        known = {str(kind.__struct_config__.tag) for kind in get_args(frame)}
        found = {re.findall(r"`(\w+)`", row[column])[0] for row in listed if "`" in row[column]}
        assert found <= known


def test_the_glossary_has_the_terms_a_newcomer_searches_for() -> None:
    terms = {term.strip() for row in rows(TERMS) for term in row[0].split(",")}
    assert terms >= REQUIRED
