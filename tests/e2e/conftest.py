"""Skips tests of recordings, with a reason, where the recordings are missing."""

import pytest

from tests.corpus import say_why_skipped


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the reason."""
    say_why_skipped(items)
