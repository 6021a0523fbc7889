"""Files are named after their contents."""

import re
from pathlib import PurePath

from scripts.tree import ROOT, project_files

SAYS_NOTHING = {
    *("util", "utils", "helper", "helpers", "common", "misc", "stuff", "manager", "managers"),
    *("old", "new", "legacy", "bak", "tmp", "temp", "wip"),
}
SOURCES = {".py", ".ts", ".tsx", ".css", ".sh"}


def forbidden(name: str) -> bool:
    """Whether this path has a meaningless file or folder name."""
    parts = [part.partition(".")[0] for part in PurePath(name).parts]
    words = [re.split(r"[_-]|(?<=[a-z])(?=[A-Z])", part) for part in parts]
    return any(
        part_words[0].lower() == "base" or SAYS_NOTHING & {word.lower() for word in part_words}
        for part_words in words
    )


def test_no_source_file_has_a_meaningless_name() -> None:
    names = [
        path.relative_to(ROOT).as_posix() for path in project_files() if path.suffix in SOURCES
    ]
    assert [name for name in names if forbidden(name)] == []


def test_meaningless_names_are_found_in_every_spelling() -> None:
    assert all(
        map(
            forbidden,
            [
                "utils/x.py",
                "a/helpers.py",
                "base_channel.py",
                "sessionManager.ts",
                "x_old.py",
                "base.py",
            ],
        )
    )
    assert not any(map(forbidden, ["database.py", "errors.py", "renewal.py", "holding.py"]))
