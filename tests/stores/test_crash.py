"""A crashed process loses nothing that was acknowledged. `make soak` runs it for longer."""

from pathlib import Path

import pytest

from tests.stores.crash import crash


@pytest.mark.promise("P3")
async def test_what_was_acknowledged_survives_kill_9_at_any_moment(tmp_path: Path) -> None:
    acknowledged = await crash(tmp_path / "thinkaloud.db", rounds=12, seed=4)
    assert len(acknowledged.through) > 10
    assert acknowledged.compacted
    assert acknowledged.deleted
