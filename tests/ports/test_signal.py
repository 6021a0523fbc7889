"""Signals that tasks wait for."""

import asyncio

from thinkaloud.ports.signal import Signal


async def test_all_waiters_of_a_signal_are_woken_even_if_it_is_cleared_at_once() -> None:
    signal = Signal()
    tasks = [asyncio.ensure_future(signal.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
    signal.set()
    signal.clear()
    await asyncio.gather(*tasks)
    assert not signal.is_set()


async def test_waiting_for_a_set_signal_returns_at_once() -> None:
    signal = Signal(is_set=True)
    waiting = signal.wait()
    try:
        waiting.send(None)
    except StopIteration:
        assert signal.is_set()
    else:
        raise AssertionError("it waited")


async def test_a_task_that_stops_waiting_is_forgotten_and_the_others_are_woken() -> None:
    signal = Signal()
    left, stays = (asyncio.ensure_future(signal.wait()) for _ in range(2))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait([left])
    signal.set()
    await stays
    assert left.cancelled()
