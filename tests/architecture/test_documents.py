"""Every path, link and make target that the documents name exists."""

import re
from collections.abc import Iterator
from pathlib import Path

from scripts.tree import ROOT, project_files

HISTORY = ROOT / "CHANGELOG.md"
DOCUMENTS = [
    path
    for path in project_files()
    if path.suffix == ".md" and "webui" not in path.parts and path != HISTORY
]
BASES = [ROOT, ROOT / "src" / "thinkaloud", ROOT / "webui" / "src"]
FOLDERS = {
    "src",
    "tests",
    "docs",
    "webui",
    "scripts",
    "benchmarks",
    "requirements",
    "examples",
    ".ci",
}
BUILT = {"src/thinkaloud/webui", "webui/dist", "webui/node_modules"}
SUFFIX = re.compile(r"\.(?:py|md|toml|tsx?|sh|txt|css)$")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def code_paths(text: str) -> Iterator[str]:
    """Every path of the project that stands in `code` in running text."""
    for span in re.findall(r"`([^`\n]+)`", FENCE.sub("", text)):
        path = span.partition("::")[0]
        if not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*/?", path) or "/" not in path:
            continue
        if path.split("/")[0] in FOLDERS or SUFFIX.search(path):
            yield path.rstrip("/")


def picture_paths(text: str) -> Iterator[str]:
    """Every path of a folder tree drawn with box characters: a line `name/` roots it, `├── name` is inside."""
    for block in FENCE.findall(text):
        if "├──" not in block:
            continue
        parents: list[str] = []
        for line in block.splitlines()[1:-1]:
            match = re.match(r"([│├└─ ]*)([\w.-]+(?:/[\w.-]+)*/?)(?:\s|$)", line)
            if match is None or line.startswith(" " * 8):
                continue
            depth = len(match[1]) // 4
            if depth and "─" not in match[1]:
                continue
            parents = [*parents[:depth], match[2].rstrip("/")]
            yield "/".join(parents)


def links(text: str) -> Iterator[str]:
    """The target of every relative Markdown link."""
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
        if not re.match(r"[a-z]+:|#|/", target):
            yield target.partition("#")[0]


def missing(document: Path, text: str) -> list[str]:
    """What this document names and the tree does not have."""
    named = [path for path in (*code_paths(text), *picture_paths(text)) if path not in BUILT]
    return [
        *(path for path in named if not any((base / path).exists() for base in BASES)),
        *(link for link in links(text) if not (document.parent / link).exists()),
    ]


def test_documents_name_only_paths_that_exist() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): names
        for path in DOCUMENTS
        if (names := missing(path, path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_documents_name_only_make_targets_that_exist() -> None:
    targets = set(
        re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    named = {
        target
        for path in DOCUMENTS
        for target in re.findall(
            r"(?:`|^\s*)make (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert named - targets == set()


def test_a_path_that_is_not_there_is_found_wherever_it_is_named() -> None:
    text = (
        "See `src/thinkaloud/errors.py`, `core/parsers/sse.py` and `tests/nowhere/`; not `text/plain` or `/api/v1`.\n"
        "[A link](LICENSE) and [a broken one](docs/none.md#there), and [one out](https://example.org/none.md).\n"
        "```text\nsrc/thinkaloud/\n├── events/   things\n│            more of them\n├── gone/     no\n"
        "└── core/\n    ├── turn.py\n    └── none.py\ntests/\n```\n"
    )
    assert missing(ROOT / "README.md", text) == [
        "tests/nowhere",
        "src/thinkaloud/gone",
        "src/thinkaloud/core/none.py",
        "docs/none.md",
    ]


def test_the_changelog_says_what_is_unreleased() -> None:
    changelog = HISTORY.read_text(encoding="utf-8")
    assert re.findall(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)[0] == "Unreleased"
