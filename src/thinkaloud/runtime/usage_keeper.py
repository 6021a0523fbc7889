"""Saves the tokens that principals use, and restores those of the current UTC day."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from thinkaloud.errors import StoreError
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tasks import completed, owned_tasks
from thinkaloud.ports.usage import UsageStore
from thinkaloud.runtime.usage_meter import UsageMeter

_INTERVAL_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


@asynccontextmanager
async def kept_usage(meter: UsageMeter, store: UsageStore, clock: Clock) -> AsyncGenerator[None]:
    """Restore what was used today, and save what is used until the block is left.

    Saves at most once a second, and at the end. If saving fails, it logs a warning and tries again.
    Raises `StoreError` if nothing can be restored.
    """
    meter.restore(await store.tokens(meter.today()))
    keeper = _UsageKeeper(meter, store, clock)
    meter.on_spent = keeper.count
    try:
        async with owned_tasks() as tasks:
            saving = tasks.create_task(keeper.keep_saving())
            try:
                yield
            finally:
                saving.cancel()
    finally:
        await completed(keeper.save())


class _UsageKeeper:
    """The tokens that are not saved yet."""

    def __init__(self, meter: UsageMeter, store: UsageStore, clock: Clock) -> None:
        self._meter = meter
        self._store = store
        self._clock = clock
        self._day = meter.today()
        self._unsaved: Counter[str] = Counter()
        self._used = asyncio.Event()

    def count(self, account: str, day: int, tokens: int) -> None:
        """Count tokens that an account has used. Those of an earlier day no longer matter."""
        if day > self._day:
            self._day = day
            self._unsaved.clear()
        if day == self._day:
            self._unsaved[account] += tokens
            self._used.set()

    async def keep_saving(self) -> None:
        """Save whenever tokens were used, until cancelled."""
        while True:
            await self._used.wait()
            await completed(self.save())
            await self._clock.sleep(_INTERVAL_SECONDS)

    async def save(self) -> None:
        """Save what is not saved yet."""
        self._used.clear()
        day, unsaved = self._day, self._unsaved
        if not unsaved:
            return
        self._unsaved = Counter()
        try:
            await self._store.add(day, unsaved)
        except StoreError as error:
            _log.warning("The used tokens could not be saved: %s", error.message)
            for account, tokens in unsaved.items():
                self.count(account, day, tokens)
