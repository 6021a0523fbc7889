"""No mocks, and no metadata in untyped dictionaries."""

import ast
import re
from collections.abc import Iterator

from scripts.tree import ROOT, source_files
from tests.architecture.exceptions import excepted

MOCK = re.compile(
    r"\b(?:unittest\.mock|MagicMock|AsyncMock|mocker|monkeypatch\.(?:setattr|setitem|delattr|delitem))\b"
)
UNTYPED = re.compile(r"\b(?:dict|Mapping|MutableMapping)\[str, (?:typing\.)?Any\]")
SIDE_CHANNELS = {"metadata", "meta", "extra", "extras", "kwargs", "params", "info", "attributes"}
UNTYPED_PER_1000_LINES = 5


def side_channels(text: str) -> Iterator[str]:
    """Every field or parameter of a telling name that takes a dictionary of anything."""
    if not UNTYPED.search(text):  # parsing takes far longer
        return
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                pass
            case ast.arg(arg=name, annotation=annotation) if annotation is not None:
                pass
            case _:
                continue
        if name in SIDE_CHANNELS and UNTYPED.search(ast.unparse(annotation)):
            yield name


def test_no_test_patches_what_it_tests() -> None:
    patching = {
        path.relative_to(ROOT).as_posix()
        for path in source_files("tests")
        if path.name != "test_seams.py" and MOCK.search(path.read_text(encoding="utf-8"))
    }
    assert patching == excepted("mocks")


def test_no_field_or_parameter_carries_untyped_metadata() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): names
        for path in source_files("src")
        if (names := list(side_channels(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


def test_untyped_dictionaries_are_rare() -> None:
    texts = [path.read_text(encoding="utf-8") for path in source_files("src")]
    lines = sum(text.count("\n") for text in texts)
    uses = sum(len(UNTYPED.findall(text)) for text in texts)
    assert uses <= UNTYPED_PER_1000_LINES * lines / 1000


def test_untyped_metadata_is_found_in_fields_and_parameters() -> None:
    text = "class A:\n    extra: dict[str, Any] | None = None\ndef f(*, metadata: Mapping[str, Any], name: str): ...\n"
    assert sorted(side_channels(text)) == ["extra", "metadata"]
    assert list(side_channels("metadata: dict[str, str]")) == []
