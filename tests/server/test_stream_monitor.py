"""Blocks that are ended from outside their task."""

import asyncio

import pytest

from thinkaloud.server.stream_monitor import Interruption


async def test_an_interrupted_block_ends_without_an_exception_and_the_task_continues() -> None:
    with Interruption() as interruption:
        asyncio.get_running_loop().call_soon(interruption.interrupt)
        await asyncio.Event().wait()
    assert interruption.interrupted
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_task_that_is_cancelled_while_its_block_is_interrupted_is_cancelled() -> None:
    began = asyncio.Event()
    interruption = Interruption()

    async def work() -> None:
        with interruption:
            began.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work())
        await began.wait()
        interruption.interrupt()
        task.cancel()
    assert task.cancelled()


async def test_an_interruption_after_the_end_of_the_block_changes_nothing() -> None:
    with Interruption() as interruption:
        pass
    interruption.interrupt()
    await asyncio.sleep(0)
    assert not interruption.interrupted


async def test_an_exception_of_a_block_is_raised() -> None:
    with pytest.raises(ValueError, match="broken"), Interruption():
        raise ValueError("broken")
