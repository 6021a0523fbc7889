"""How large a database may become."""

from pathlib import Path

import pytest

from thinkaloud.app.storage import DEFAULT_MAX_BYTES, opening_of
from thinkaloud.config import Configuration, Settings, StoreSection

CONFIGURED = Settings(store=StoreSection(max_bytes=400_000))


@pytest.mark.parametrize(
    ("gigabytes", "settings", "most"),
    [
        (None, Settings(), DEFAULT_MAX_BYTES),
        (1, Settings(), DEFAULT_MAX_BYTES),
        (20, Settings(), 40 * 2**30),
        (20, CONFIGURED, 400_000),
    ],
)
def test_a_database_has_a_limit_that_never_locks_a_large_one(
    tmp_path: Path, gigabytes: int | None, settings: Settings, most: int
) -> None:
    path = tmp_path / "thinkaloud.db"
    if gigabytes is not None:
        with path.open("wb") as file:
            file.truncate(gigabytes * 2**30)  # sparse
    configuration = Configuration(settings, None, tmp_path, {})
    assert opening_of(configuration, path).max_bytes == most
