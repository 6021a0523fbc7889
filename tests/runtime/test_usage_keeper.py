"""Spent budgets stay spent after a restart."""

import asyncio
import logging
from collections.abc import Mapping

import pytest
from typing_extensions import override

from tests.runtime.test_usage_meter import SetClock, limited
from thinkaloud.errors import BudgetSpent, StoreError
from thinkaloud.ports.principal import UsageLimits
from thinkaloud.runtime.usage_keeper import kept_usage
from thinkaloud.runtime.usage_meter import UsageMeter
from thinkaloud.stores.keys.memory import MemoryUsage

ANA = limited(UsageLimits(tokens_per_day=100), UsageLimits(requests_per_minute=9))


class WatchedUsage(MemoryUsage):
    """Signals when tokens were added, and fails a given number of times."""

    def __init__(self, *, failures: int = 0) -> None:
        super().__init__()
        self.failures = failures
        self.added = asyncio.Event()

    @override
    async def add(self, day: int, tokens: Mapping[str, int]) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("The disk is full.")
        await super().add(day, tokens)
        self.added.set()


async def test_a_budget_spent_before_a_restart_is_spent_until_the_next_day() -> None:
    clock, store = SetClock(), MemoryUsage()
    meter = UsageMeter(clock)
    async with kept_usage(meter, store, clock):
        meter.charge(ANA, 1).settle(60)
    for spent in (60, 100):
        meter = UsageMeter(clock)
        async with kept_usage(meter, store, clock):
            assert meter.remaining(ANA)[0].tokens == 100 - spent
            if spent < 100:
                meter.charge(ANA, 1).settle(40)
    with pytest.raises(BudgetSpent) as refused:
        meter.charge(ANA, 1)
    clock.advance(refused.value.retry_after)
    meter = UsageMeter(clock)
    async with kept_usage(meter, store, clock):
        assert meter.remaining(ANA)[0].tokens == 100


async def test_used_tokens_survive_a_crash() -> None:
    clock, store = SetClock(), WatchedUsage()
    meter = UsageMeter(clock)
    async with kept_usage(meter, store, clock), asyncio.timeout(5):
        for spent in (30, 60):
            meter.charge(ANA, 1).settle(30)
            await store.added.wait()
            store.added.clear()
            assert await store.tokens(meter.today()) == {"key:1": spent, "owner:ana": spent}


async def test_tokens_that_could_not_be_saved_are_saved_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, store = SetClock(), WatchedUsage(failures=2)
    meter = UsageMeter(clock)
    with caplog.at_level(logging.WARNING):
        async with kept_usage(meter, store, clock), asyncio.timeout(5):
            meter.charge(ANA, 1).settle(30)
            await store.added.wait()
    assert await store.tokens(meter.today()) == {"key:1": 30, "owner:ana": 30}
    assert caplog.text.count("The disk is full.") == 2


async def test_only_used_limits_are_saved() -> None:
    clock, store = SetClock(), WatchedUsage()
    meter = UsageMeter(clock)
    async with kept_usage(meter, store, clock):
        meter.charge(limited(UsageLimits()), 1).settle(30)
        meter.charge(ANA, 1).cancel()
    assert not store.added.is_set()


async def test_yesterdays_tokens_are_not_counted_today() -> None:
    clock, store = SetClock(), WatchedUsage()
    meter = UsageMeter(clock)
    async with kept_usage(meter, store, clock):
        meter.charge(ANA, 1).settle(30)
        clock.advance(86_400)
        meter.charge(ANA, 1).settle(5)
    assert await store.tokens(meter.today()) == {"key:1": 5, "owner:ana": 5}
