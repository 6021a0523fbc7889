"""The program's home folder in these tests."""

from pathlib import Path

import pytest

from tests.cli.program import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home, without keys and configuration."""
    return Home(tmp_path)
