"""A block that owns tasks: exceptions raised in it, and by its tasks."""

import asyncio

import pytest

from thinkaloud.ports.tasks import owned_tasks


async def test_an_exception_in_the_block_is_raised_unchanged_after_its_tasks_have_ended() -> None:
    ended: list[str] = []

    async def work(resume: asyncio.Event) -> None:
        await resume.wait()
        ended.append("work")

    async def block() -> None:
        async with owned_tasks() as tasks:
            resume = asyncio.Event()
            tasks.create_task(work(resume))
            resume.set()
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await block()
    assert ended == ["work"]


async def test_an_exception_in_a_task_ends_the_block_and_the_other_tasks() -> None:
    others: list[asyncio.Task[object]] = []

    async def fail() -> None:
        raise ValueError("a task's own")

    async def block() -> None:
        async with owned_tasks() as tasks:
            others.append(tasks.create_task(asyncio.Event().wait()))
            tasks.create_task(fail())
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await block()
    assert [str(each) for each in raised.value.exceptions] == ["a task's own"]
    assert [each.cancelled() for each in others] == [True]
