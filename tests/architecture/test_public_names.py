"""The public names are listed in order, once each, and exist."""

import ast
import importlib

from scripts.tree import ROOT

PACKAGE = ROOT / "src" / "thinkaloud" / "__init__.py"


def listed(text: str) -> list[str]:
    """What `__all__` lists in this source text; nothing where there is none."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def in_order(names: list[str]) -> list[str]:
    """Constants, then classes, then the rest, each once: the order that ruff's RUF022 asks for."""
    return sorted(set(names), key=lambda name: (not name.isupper(), not name[0].isupper(), name))


def test_the_public_names_are_sorted_and_exist() -> None:
    names = listed(PACKAGE.read_text(encoding="utf-8")) if PACKAGE.exists() else []
    assert names == in_order(names)
    package = importlib.import_module("thinkaloud")
    assert [name for name in names if not hasattr(package, name)] == []


def test_a_name_out_of_order_or_listed_twice_is_noticed() -> None:
    assert in_order(["run_sync", "Agent", "LIMIT"]) == ["LIMIT", "Agent", "run_sync"]
    names = listed('__all__ = ["Agent", "Agent"]')
    assert names != in_order(names)
