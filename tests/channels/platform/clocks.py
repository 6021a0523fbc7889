"""Clocks for channels: one that a test advances, and one that runs fast."""

import asyncio
import time


class SteppedClock:
    """Time that passes only with `advance`. Sleepers wake in order of their deadlines."""

    def __init__(self) -> None:
        self._now = 1_000_000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def steady_ms(self) -> int:
        return int(self._now)

    def unix_ms(self) -> int:
        return 1_790_000_000_000 + int(self._now)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper = (self._now + seconds * 1000, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1]
        finally:
            self._sleepers.remove(sleeper)

    async def advance(self, seconds: float) -> None:
        """Let this time pass, and everything happen that waits for it."""
        until = self._now + seconds * 1000
        await settle()
        while due := [each for each in self._sleepers if each[0] <= until and not each[1].done()]:
            deadline, future = min(due, key=lambda each: each[0])
            self._now = max(self._now, deadline)
            future.set_result(None)
            await settle()
        self._now = until


class FastClock:
    """Real time, `factor` times as fast, for tests with real sockets."""

    def __init__(self, factor: float = 50.0) -> None:
        self.factor = factor
        self._zero = time.monotonic()

    def steady_ms(self) -> int:
        return int((time.monotonic() - self._zero) * 1000 * self.factor) + 1_000_000

    def unix_ms(self) -> int:
        return 1_790_000_000_000 + self.steady_ms()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.factor)


async def settle(rounds: int = 60) -> None:
    """Let everything run that waits for nothing but its turn."""
    for _ in range(rounds):
        await asyncio.sleep(0)
