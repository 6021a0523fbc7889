"""The seam to concurrency: who starts tasks owns them for the length of a block."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


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
