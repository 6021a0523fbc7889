"""The pinned requirements match pyproject.toml, are complete, and have hashes."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.tree import ROOT, source_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FILES = sorted(
    [*(ROOT / "requirements").glob("*.txt"), *(ROOT / "benchmarks" / "peers").glob("*.txt")]
)


def pins(name: str) -> dict[str, str]:
    """Version by package of one requirements file."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, re.MULTILINE))


def unmet(wanted: list[str], pinned: dict[str, str]) -> list[str]:
    """The requirements that no pin satisfies."""
    parsed = [Requirement(line) for line in wanted]
    return [
        str(requirement)
        for requirement in parsed
        if not requirement.specifier.contains(pinned.get(requirement.name.lower(), "0.0.dev0"))
    ]


def test_what_the_server_needs_is_pinned_for_running() -> None:
    assert unmet(PROJECT["project"]["dependencies"], pins("run.txt")) == []


def test_what_the_checks_need_is_pinned_for_developing() -> None:
    assert unmet(PROJECT["dependency-groups"]["dev"], pins("dev.txt")) == []


def test_the_build_backend_is_pinned() -> None:
    assert unmet(PROJECT["build-system"]["requires"], pins("build.txt")) == []


def test_tests_run_on_the_same_versions_that_users_run() -> None:
    assert pins("run.txt").items() - pins("dev.txt").items() == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_pin_has_a_hash(path: Path) -> None:
    entries = re.split(r"\n(?=[a-z0-9-]+==)", path.read_text(encoding="utf-8"))[1:]
    assert entries
    assert [entry.partition(" ")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def imported_by(node: ast.AST) -> list[str]:
    """The modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return [node.module]
    return []


def distributions_of(modules: set[str]) -> set[str]:
    """The packages that these top-level modules come from."""
    installed = packages_distributions()
    found = {name for module in modules for name in installed.get(module, [module])}
    return {canonicalize_name(name) for name in found}


def test_the_package_imports_what_it_requires_and_requires_what_it_imports() -> None:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    required = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    optional = {
        canonicalize_name(Requirement(line).name) for lines in extras.values() for line in lines
    }
    imported = {
        name.partition(".")[0]
        for path in source_files("src")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported_by(node)
    }
    third_party = distributions_of(imported - sys.stdlib_module_names - {"thinkaloud"})
    # The standard library reads time zones from tzdata where the system has none.
    assert required - third_party == {"tzdata"}
    assert third_party - required - optional == set()
