"""Folders, modules, classes and functions stay small."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from scripts.tree import ROOT, source_files
from tests.architecture.exceptions import excepted

FOLDER_MODULES = 15
MODULE_LINES = 400
CLASS_METHODS = 15
FUNCTION_LINES = 50

Function = ast.FunctionDef | ast.AsyncFunctionDef


def length(function: Function) -> int:
    """The lines of a function from `def` to its end, without its docstring."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


def definitions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every class and function below this node, with its dotted name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | Function):
            yield f"{prefix}{child.name}", child
            yield from definitions(child, f"{prefix}{child.name}.")
        else:
            yield from definitions(child, prefix)


def too_large(name: str, text: str) -> set[str]:
    """What in this Python file is larger than it may be."""
    found = {name} if text.count("\n") > MODULE_LINES else set()
    for qualified, node in definitions(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            methods = sum(isinstance(child, Function) for child in node.body)
            if methods > CLASS_METHODS:
                found.add(f"{name}::{qualified}")
        elif isinstance(node, Function) and length(node) > FUNCTION_LINES:
            found.add(f"{name}::{qualified}")
    return found


def crowded(names: Iterable[str]) -> set[str]:
    """The folders with more modules than they may have; package files and tests of the page don't count."""
    modules = (
        name.rpartition("/") for name in names if ".test." not in name and ".gen." not in name
    )
    counts = Counter(
        folder for folder, _, name in modules if name not in {"__init__.py", "conftest.py"}
    )
    return {folder for folder, count in counts.items() if count > FOLDER_MODULES}


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_no_module_class_or_function_is_too_large() -> None:
    found: set[str] = set()
    for path in source_files("src", "scripts", "benchmarks"):
        found |= too_large(path.relative_to(ROOT).as_posix(), text_of(path))
    for path in source_files("tests", "webui", suffixes=(".py", ".ts", ".tsx")):
        name = path.relative_to(ROOT).as_posix()
        if text_of(path).count("\n") > MODULE_LINES and ".gen." not in path.name:
            found.add(name)
    assert sorted(found) == sorted(excepted("sizes"))


def test_no_folder_has_too_many_modules() -> None:
    python = source_files("src", "scripts", "benchmarks", "tests")
    page = source_files("webui", suffixes=(".ts", ".tsx"))
    names = (path.relative_to(ROOT).as_posix() for path in (*python, *page))
    assert sorted(crowded(names)) == []


def test_a_crowded_folder_is_found_and_package_files_and_page_tests_are_not_counted() -> None:
    fits = [f"src/a/m{n}.py" for n in range(FOLDER_MODULES)]
    beside = ["src/a/__init__.py", "src/a/conftest.py", "src/a/m.test.ts", "src/a/b/m.py"]
    assert crowded([*fits, *beside]) == set()
    assert crowded([*fits, "src/a/one-more.ts"]) == {"src/a"}


def test_a_long_function_is_found_and_its_docstring_is_not_counted() -> None:
    body = "    pass\n" * (FUNCTION_LINES - 1)
    docstring = '    """One.\n\n    Two.\n    """\n'
    fits = f"def f():\n{docstring}{body}"
    assert too_large("m.py", fits) == set()
    assert too_large("m.py", fits + "    pass\n") == {"m.py::f"}


def test_a_class_with_many_methods_and_a_long_module_are_found() -> None:
    methods = "".join(f"    def m{n}(self): ...\n" for n in range(CLASS_METHODS + 1))
    assert too_large("m.py", f"class C:\n{methods}") == {"m.py::C"}
    assert too_large("m.py", "x = 1\n" * (MODULE_LINES + 1)) == {"m.py"}
