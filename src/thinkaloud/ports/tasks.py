"""The seam to concurrency: who starts tasks owns them for the length of a block."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

R = TypeVar("R")


@asynccontextmanager
async def owned_tasks() -> AsyncGenerator[asyncio.TaskGroup]:
    """Own tasks until the block is left and they are over.

    What is raised in the block reaches its caller as it is, in no exception group, and cancels no
    task. What a task raises cancels the block and the others, and comes as a group.
    """
    raised: Exception | None = None
    async with asyncio.TaskGroup() as tasks:
        try:
            yield tasks
        except Exception as error:  # noqa: BLE001 - raised again below, outside the group
            raised = error
    if raised is not None:
        raise raised


async def completed(work: Coroutine[object, object, R]) -> R:
    """Run a coroutine to its end even if the caller is cancelled, however often.

    For cleaning up: the cancellation is raised afterwards.
    """
    task = asyncio.create_task(work)  # noqa: TID251 - awaited below on every way out
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # Retrieved: the cancellation is what the caller hears of.
        raise cancelled
    return task.result()
