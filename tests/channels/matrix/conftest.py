"""One homeserver for all tests of a worker."""

from collections.abc import Iterator

import pytest

from tests.channels.matrix.homeserver import Homeserver, homeserver


@pytest.fixture(scope="session")
def synapse() -> Iterator[Homeserver]:
    with homeserver() as server:
        yield server
