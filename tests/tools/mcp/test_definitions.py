"""Names that every provider accepts, and texts without anything hidden."""

import re

import pytest

from thinkaloud.tools.mcp.definitions import definition, offered_name, visible

SCHEMA = {"type": "object", "properties": {}}
ACCEPTED = re.compile(r"[A-Za-z0-9_-]{1,64}")


def test_a_plain_name_is_offered_with_the_name_of_its_server() -> None:
    assert offered_name("notes", "add_note") == "notes__add_note"


@pytest.mark.parametrize("name", ["with.dot", "a b", "ключ", "x" * 100, "", "a/b"])
def test_every_other_name_gets_a_short_one_that_stays_the_same(name: str) -> None:
    offered = offered_name("notes", name)
    assert ACCEPTED.fullmatch(offered)
    assert offered == offered_name("notes", name)


def test_different_names_never_share_a_short_one() -> None:
    names = ["a.b", "a b", "a/b", "a_b", "x" * 100, "x" * 101]
    assert len({offered_name("notes", name) for name in names}) == len(names)


def test_text_that_only_a_model_would_see_is_removed() -> None:
    hidden = "Add.\N{ZERO WIDTH SPACE}\U000e0041\U000e0042\x1b[8m\N{RIGHT-TO-LEFT OVERRIDE}"
    assert visible(hidden, 100) == "Add.[8m"
    found = definition({"name": "t", "description": hidden, "inputSchema": SCHEMA})
    assert found.description == "Add.[8m"
    parameter = {"text": {"type": "string", "description": hidden}}
    schema = {"type": "object", "properties": parameter}
    assert hidden not in str(definition({"name": "t", "inputSchema": schema}).parameters)


def test_the_fingerprint_changes_with_every_part_of_the_definition() -> None:
    base = {"name": "t", "description": "a", "inputSchema": SCHEMA, "annotations": {}}
    changes = [
        {"description": "b"},
        {"description": "a\N{ZERO WIDTH SPACE}"},
        {"title": "T"},
        {"inputSchema": {"type": "object", "properties": {"x": {}}}},
        {"annotations": {"readOnlyHint": True}},
    ]
    prints = {definition({**base, **change}).fingerprint for change in ({}, *changes)}
    assert len(prints) == len(changes) + 1
    reordered = dict(reversed(base.items()))
    assert definition(reordered).fingerprint == definition(base).fingerprint


def test_a_schema_that_is_too_deep_or_too_large_is_refused() -> None:
    deep: dict[str, object] = {"type": "object"}
    for _ in range(50):
        deep = {"type": "object", "properties": {"x": deep}}
    with pytest.raises(ValueError, match="nested"):
        definition({"name": "t", "inputSchema": deep})
    wide = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(5_000)}}
    with pytest.raises(ValueError, match="larger than"):
        definition({"name": "t", "inputSchema": wide})
