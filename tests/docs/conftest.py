"""A reader's machine: an empty folder, and no API key."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with nobody's configuration or keys."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for variable in list(os.environ):
        if variable.startswith("THINKALOUD_") or variable.endswith(("_KEY", "_TOKEN")):
            monkeypatch.delenv(variable)
    return tmp_path
