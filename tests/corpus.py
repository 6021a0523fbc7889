"""The recorded provider streams, which are stored outside the project."""

import json
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "corpus"

CORPUS: Path | None = _BESIDE if (_BESIDE / "INDEX.tsv").is_file() else None
"""The folder of the recordings, or None on a machine that has none."""


MISSING = "the recorded provider streams (../shared/corpus) are not on this machine"
"""Why a test of recordings is skipped."""


def require_corpus() -> Path:
    """Return the folder of the recordings, or skip the test, saying why."""
    if CORPUS is None:
        pytest.skip(MISSING)
    return CORPUS


def cases(*wire_families: str) -> list[str]:
    """Return `provider/case` of every recording of these wire families, or nothing without them."""
    if CORPUS is None:
        return []
    return [
        f"{meta.parent.parent.name}/{meta.parent.name}"
        for meta in sorted(CORPUS.glob("*/*/meta.json"))
        if json.loads(meta.read_text(encoding="utf-8"))["wire_family"] in wire_families
    ]


class Case:
    """One recording, read from disk."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = require_corpus() / name
        self.meta: dict[str, Any] = self._json("meta.json")
        self.expected: dict[str, Any] = self._json("expected.json")
        self.request: dict[str, Any] | None = self._json("request.json")
        self.body = (self.folder / "response.body").read_bytes()

    def _json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    @property
    def followups(self) -> list[dict[str, Any]]:
        """What another client sent back next, oldest first."""
        return [
            self._json(path.name) for path in sorted(self.folder.glob("followup_request*.json"))
        ]

    def network_chunks(self) -> list[bytes] | None:
        """The body as the recorded transport chunks, where they were kept."""
        path = self.folder / "chunks.json"
        if not path.exists():
            return None
        logged: Any = json.loads(path.read_text(encoding="utf-8"))
        sizes: list[int] = logged if isinstance(logged, list) else logged["sizes"]
        chunks: list[bytes] = []
        start = 0
        for size in sizes:
            chunks.append(self.body[start : start + size])
            start += size
        if start < len(self.body):
            chunks.append(self.body[start:])
        return chunks


def say_why_skipped(items: list[pytest.Item]) -> None:
    """Give tests that have no recordings to run on the reason, where they are missing."""
    if CORPUS is not None:
        return
    for item in items:
        for index, mark in enumerate(item.own_markers):
            if mark.name == "skip" and "empty parameter set" in mark.kwargs.get("reason", ""):
                item.own_markers[index] = pytest.mark.skip(reason=MISSING).mark
