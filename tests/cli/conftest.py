"""Where the program lives in these tests."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.preloaded import Preloaded
from tests.cli.program import Home


@pytest.fixture(scope="session")
def preloaded() -> Iterator[Preloaded]:
    """The process in whose forks the program runs."""
    with closing(Preloaded()) as process:
        yield process


@pytest.fixture
def home(tmp_path: Path, preloaded: Preloaded) -> Home:
    """An empty home, without keys and configuration."""
    return Home(tmp_path, preloaded)
