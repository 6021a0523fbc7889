"""Structured concurrency: tasks are owned by a block."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

R = TypeVar("R")


@asynccontextmanager
async def owned_tasks() -> AsyncGenerator[asyncio.TaskGroup]:
    """Own tasks: leaving the block waits for them to finish.

    An exception raised in the block reaches the caller unchanged, not in an exception group, and
    cancels no task. One raised by a task cancels the block and the other tasks, and is raised in
    a group.
    """
    raised: Exception | None = None
    async with asyncio.TaskGroup() as tasks:
        try:
            yield tasks
        except Exception as error:  # noqa: BLE001 - raised again below, outside the group
            raised = error
    if raised is not None:
        raise raised


def is_cancelled() -> bool:
    """Whether somebody cancelled the current task.

    If not, a `CancelledError` comes from a library that cancelled something of its own.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def completed(work: Coroutine[object, object, R]) -> R:
    """Run a coroutine to completion even if the caller is cancelled, any number of times.

    For cleanup: the cancellation is raised afterwards.
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
            task.exception()  # Mark it as retrieved: the caller gets the cancellation.
        raise cancelled
    return task.result()
