"""The list of attacks only names tests that exist."""

import ast
from pathlib import Path

import pytest

from tests.attacks.items import ATTACKS

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_names_existing_tests(attack: str) -> None:
    assert ATTACKS[attack]
    for place in ATTACKS[attack]:
        file, _, name = place.partition("::")
        if file.startswith("webui/"):
            assert f'("{name}"' in (TESTS.parent / file).read_text("utf-8"), place
            continue
        tree = ast.parse((TESTS / file).read_text("utf-8"))
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, functions)}, place


def test_no_attack_is_left_out() -> None:
    assert len(ATTACKS) == 45
