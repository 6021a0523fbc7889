"""The reference page of the tested clients, from their manifest and the markers of their tests."""

import ast
from collections.abc import Iterator

from scripts.tree import ROOT
from tests.clients.tested import CLIENTS, FEATURES

_INTRODUCTION = """\
# Tested clients

<!-- Generated from tests/clients/tested.py and the tests by `make generate`. -->

Each mark is at least one test that runs this version of the client against the server, and passes. No mark: not tested, or not
possible with this protocol, whose page says so.

"""


def features_of(source: str, tests: str = "") -> Iterator[str]:
    """Yield the features in every `pytest.mark.feature(...)` on a test with `tests` in its name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and tests in node.name:
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.feature":
                    yield from (str(ast.literal_eval(argument)) for argument in mark.args)


def render() -> str:
    """Return the text of docs/reference/protocols/clients.md."""
    lines = [
        f"| client | version | protocol | {' | '.join(FEATURES)} |",
        f"|---|---|---|{':-:|' * len(FEATURES)}",
    ]
    for client in CLIENTS:
        found = set(features_of((ROOT / client.module).read_text(encoding="utf-8"), client.tests))
        marks = " | ".join("✓" if feature in found else "" for feature in FEATURES)
        lines.extend(
            f"| {client.name} | {version} | {client.protocol} | {marks} |"
            for version in client.versions
        )
    meanings = [f"- *{feature}*: {meaning}" for feature, meaning in FEATURES.items()]
    return _INTRODUCTION + "\n".join([*lines, "", *meanings, ""])
