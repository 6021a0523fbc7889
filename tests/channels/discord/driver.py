"""The contract suite's driver: a channel on the fake Discord."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tests.channels.discord.fake.people import People
from tests.channels.discord.fake.places import GENERAL
from tests.channels.discord.fake.server import TOKEN, FakeDiscord, Fault
from tests.channels.platform.clocks import FastClock
from tests.channels.platform.driver import DriverSetup, Shown
from tests.channels.platform.gate import Gate
from tests.channels.platform.lab import Lab, Setup, channel_lab
from thinkaloud.channels.discord.client import DiscordPlatform
from thinkaloud.channels.discord.settings import DiscordSettings
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore


class DiscordDriver:
    """Implements `Driver`."""

    live_thoughts = True
    folds = True
    edits = True
    private_replies = True
    ada = "600000000000000101"
    stranger = "600000000000000102"
    group = GENERAL

    def __init__(self, server: FakeDiscord, clock: FastClock, setup: DriverSetup) -> None:
        section = setup.section(ada=self.ada, group=self.group)
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in section.items()
        }
        self.server = server
        self.server.interaction_ms = 3_000_000  # The channel's clock is faster than its network.
        self._people = People(server)
        self._setup = Setup(
            name="discord",
            settings=DiscordSettings(api_base=f"{server.url}/api/v10", **values),
            clock=clock,
            environment={"DISCORD_BOT_TOKEN": TOKEN},
            store=MemoryStore(),
            tools=setup.tools,
            reasoning_allowed=setup.reasoning_allowed,
        )
        self.expected_errors: set[str] = set()
        self._state = MemoryChannelState()
        self._stack = AsyncExitStack()
        self.lab: Lab

    @property
    def gate(self) -> Gate:
        return self.server.gate

    async def open(self, *scripts: Script) -> None:
        def make(settings: PlatformSettings, context: PlatformContext) -> DiscordPlatform:
            assert isinstance(settings, DiscordSettings)
            return DiscordPlatform(settings, context)

        self.server.gateway.changed.clear()
        lab = channel_lab(make, self._state, self._setup, *scripts)
        self.lab = await self._stack.enter_async_context(lab)
        await self.server.gateway.changed.wait()

    async def close(self) -> None:
        await self._stack.aclose()

    async def restart(self, *scripts: Script) -> None:
        await self.close()
        self.gate.disarm()
        # After a crash, nobody knows whether the last edit has arrived: it is made again.
        self.expected_errors.add("not modified")
        self._stack = AsyncExitStack()
        await self.open(*scripts)

    async def person_says(
        self,
        text: str,
        *,
        sender: str,
        group: bool = False,
        mention: bool = False,
        is_bot: bool = False,
    ) -> None:
        channel = GENERAL if group else None
        await self._people.says(sender, text, channel, mention=mention, is_bot=is_bot)

    async def repeat_last(self) -> None:
        await self._people.repeats()

    async def press_stop(self, sender: str) -> bool:
        for message in self.server.places.seen(self._channel(sender)):
            for action in message.buttons:
                if action.startswith("stop:"):
                    await self._people.presses(sender, message, action)
                    return True
        return False

    def shown(self, chat: str) -> list[Shown]:
        return [
            Shown(each.visible, each.folded, each.notifies, each.private_to)
            for each in self.server.places.seen(self._channel(chat))
        ]

    def traffic(self) -> list[str]:
        return self.server.traffic

    def pings(self) -> list[str]:
        return [ping for each in self.server.places.messages.values() for ping in each.pings]

    def fail_next(self, calls: int, status: int, retry_after: float | None = None) -> None:
        self.server.faults.extend([Fault(status, retry_after)] * calls)

    def people(self, count: int) -> Sequence[str]:
        return [str(600_000_000_000_001_000 + n) for n in range(count)]

    async def changed(self) -> None:
        await self.server.next_change().wait()

    def _channel(self, chat: str) -> str:
        return chat if chat == GENERAL else self.server.places.direct_channel(chat)


@asynccontextmanager
async def discord_driver(setup: DriverSetup, *scripts: Script) -> AsyncGenerator[DiscordDriver]:
    clock = FastClock()
    server = FakeDiscord(clock.steady_ms)
    async with server.serving():
        driver = DiscordDriver(server, clock, setup)
        await driver.open(*scripts)
        try:
            yield driver
        finally:
            await driver.close()
        # The clock is so much faster than the network that calls of one second may arrive together.
        assert set(server.rates.violations) <= {"global"}
        assert set(server.errors) <= driver.expected_errors
