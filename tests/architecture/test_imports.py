"""Imports point down, and every module belongs to a layer."""

import configparser
import subprocess
import sys
from pathlib import Path

from scripts.tree import ROOT

CONFIG = ROOT / ".importlinter"
PACKAGE = ROOT / "src" / "thinkaloud"


def contract(name: str) -> configparser.SectionProxy:
    config = configparser.ConfigParser()
    config.read(CONFIG, encoding="utf-8")
    return config[f"importlinter:contract:{name}"]


def top_level(package: Path) -> set[str]:
    """The names of the modules and packages directly inside this package."""
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    return modules | {path.name for path in package.iterdir() if any(path.rglob("*.py"))}


def layers() -> set[str]:
    listed = contract("layers")["layers"].replace("|", " ").split()
    return {name.strip("()") for name in listed}


def test_the_import_contracts_hold() -> None:
    # A separate process, because the tool disables all loggers.
    tool = Path(sys.executable).with_name("lint-imports")
    command = [tool, "--config", CONFIG, "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_module_has_a_layer() -> None:
    assert contract("layers")["exhaustive"] == "True"
    assert top_level(PACKAGE) - layers() == set()


def test_everything_below_the_ports_is_pure() -> None:
    pure = {name.removeprefix("thinkaloud.") for name in contract("pure")["source_modules"].split()}
    assert pure == {"errors", "events", "core"}
