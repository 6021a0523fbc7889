"""A crash before and after each single call of a run, on a platform's fake server."""

import asyncio
from typing import Final, Protocol

from tests.channels.platform.driver import Driver, text_of, until
from tests.channels.platform.gate import Gate
from thinkaloud.providers.scripted import Script, Wait, say, think

MOST_POINTS: Final = 60


class CrashDriver(Driver, Protocol):
    """A driver whose server has a gate."""

    @property
    def gate(self) -> Gate: ...


class Conversation:
    """Asks each time as another person, and lets the channel crash a point later than before."""

    def __init__(self, *, doubles: bool) -> None:
        self._doubles = doubles
        """Whether the platform can't tell that a message is the same as one that it has."""
        self.go = asyncio.Event()

    def script(self, number: int) -> Script:
        return [think("Hm."), say(f"Start {number}."), Wait(self.go), say(f" End {number}.")]

    async def crash_at_each_point(self, driver: CrashDriver) -> int:
        """Return how many points there were."""
        people = driver.people(MOST_POINTS)
        for number in range(MOST_POINTS):
            self.go.clear()
            driver.gate.arm(number + 1)
            await driver.person_says("Go", sender=people[number])
            await self._until_it_ends(driver, people[number], number)
            if driver.gate.reached.is_set():
                await driver.restart(self.script(number + 1))
            driver.gate.disarm()
            await until(driver, lambda: driver.lab.channel.status.pending == 0)
            await driver.lab.channel.quiet()
            self._check(text_of(driver, people[number]), number)
            if not driver.gate.reached.is_set():
                return number
        raise AssertionError("there are more calls than a short answer needs")

    async def _until_it_ends(self, driver: CrashDriver, person: str, number: int) -> None:
        reached = driver.gate.reached

        def started() -> bool:
            there = not driver.edits or f"Start {number}." in text_of(driver, person)
            return reached.is_set() or (there and driver.lab.channel.status.pending == 1)

        await until(driver, started)
        self.go.set()
        await until(driver, lambda: reached.is_set() or driver.lab.channel.status.pending == 0)

    def _check(self, text: str, number: int) -> None:
        after = number % 2 == 1
        most = 2 if self._doubles and after else 1
        start, end = text.count(f"Start {number}."), text.count(f"End {number}.")
        cut = text.count("shut down")
        assert 1 <= start <= most, (number, text)
        assert 1 <= end + cut <= most, (number, text)
        assert not (end and cut), (number, text)
