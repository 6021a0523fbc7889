"""Every promise that is due has a test, and every marked test names an existing promise."""

import ast
from collections import defaultdict
from collections.abc import Iterator

from scripts.tree import ROOT, source_files
from tests.promises import PROMISES


def promised(text: str) -> Iterator[str]:
    """The ids in every `pytest.mark.promise(...)` of this source, if it has a test at all."""
    if "mark.promise" not in text:  # parsing takes far longer
        return
    nodes = list(ast.walk(ast.parse(text)))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not any(function.name.startswith("test_") for function in functions):
        return
    idle = {
        decorator
        for function in functions
        if not function.name.startswith("test_")
        for decorator in function.decorator_list
    }
    for node in nodes:
        if (
            isinstance(node, ast.Call)
            and node not in idle
            and ast.unparse(node.func).endswith("mark.promise")
        ):
            yield from (ast.literal_eval(argument) for argument in node.args)


def files_by_promise() -> dict[str, list[str]]:
    """The test files that stand for each id."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in source_files("tests"):
        if path.name.startswith("test_"):
            for name in promised(path.read_text(encoding="utf-8")):
                found[name].append(path.relative_to(ROOT).as_posix())
    return found


def test_every_promise_that_is_due_has_a_test() -> None:
    found = files_by_promise()
    assert [name for name, promise in PROMISES.items() if promise.due and name not in found] == []


def test_every_marker_names_a_promise() -> None:
    unknown = {name: files for name, files in files_by_promise().items() if name not in PROMISES}
    assert unknown == {}


def test_markers_are_read_from_functions_classes_modules_and_parameters() -> None:
    sources = {
        '@pytest.mark.promise("P1", "P2")\nasync def test_a(): ...': ["P1", "P2"],
        '@pytest.mark.promise("P1")\nclass TestA:\n    def test_a(self): ...': ["P1"],
        'pytestmark = [pytest.mark.promise("P1")]\ndef test_a(): ...': ["P1"],
        'CASES = [pytest.param(1, marks=pytest.mark.promise("P1"))]\ndef test_a(): ...': ["P1"],
        '@pytest.mark.promise("P1")\ndef build(): ...\ndef test_a(): ...': [],
        'pytestmark = pytest.mark.promise("P1")': [],
    }
    assert {text: list(promised(text)) for text in sources} == sources
