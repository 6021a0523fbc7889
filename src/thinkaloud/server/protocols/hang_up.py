"""Stops a run when its client disconnects, on protocols without another way to stop."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.server.streams.frames import FrameStream


@asynccontextmanager
async def stopped_on_leaving(
    following: AbstractAsyncContextManager[FrameStream], runs: Runs, record: RunRecord
) -> AsyncGenerator[FrameStream]:
    """Follow a run, and stop it if the stream is left before the run's end."""
    try:
        async with following as frames:
            yield frames
    finally:
        await runs.active.stop(record.run_id)
