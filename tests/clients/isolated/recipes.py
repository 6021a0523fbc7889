"""The recipes of the documentation, as somebody would copy them, for a server of a test."""

import re

from scripts.tree import ROOT

_BLOCK = re.compile(r"```text\n(.*?)```", re.DOTALL)
_MODELS = re.compile(r"\bopenai/gpt-5\b|\bdemo/thinkaloud\b|\bhost/(?:small-)?model\b")


def recipe(page: str, heading: str, url: str) -> str:
    """Return the block under a heading of a page of `docs/how-to/clients`, for this server."""
    text = (ROOT / "docs" / "how-to" / "clients" / page).read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    found = _BLOCK.search(section)
    assert found is not None
    return _MODELS.sub("scripted/model", found.group(1)).replace("http://127.0.0.1:8484", url)
