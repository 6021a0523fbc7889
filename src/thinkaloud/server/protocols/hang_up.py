"""Stops a run when its client disconnects, on protocols without another way to stop."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from thinkaloud.errors import NotFound
from thinkaloud.ports.store import RunRecord
from thinkaloud.ports.tasks import completed
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.server.streams.frames import FrameStream


@asynccontextmanager
async def stopped_on_leaving(
    following: AbstractAsyncContextManager[FrameStream],
    runs: Runs,
    record: RunRecord,
    *,
    temporary: bool = False,
) -> AsyncGenerator[FrameStream]:
    """Follow a run, and stop it if the stream is left before the run's end.

    A `temporary` conversation is deleted then: nobody knows its id.
    """
    try:
        async with following as frames:
            yield frames
    finally:
        await completed(_leave(runs, record, temporary=temporary))


async def _leave(runs: Runs, record: RunRecord, *, temporary: bool) -> None:
    await runs.open_runs.stop(record)
    if temporary:
        with suppress(NotFound):
            await runs.conversations.delete(record.owner, record.conversation_id)
