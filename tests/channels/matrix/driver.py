"""The driver of Matrix for the channel contract suite."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from tests.channels.matrix.homeserver import Account, Administration, Homeserver, administration
from tests.channels.matrix.proxy import Fault, Proxy
from tests.channels.matrix.seen import messages
from tests.channels.platform.clocks import FastClock
from tests.channels.platform.driver import GROUP, DriverSetup, Shown
from tests.channels.platform.gate import Gate
from tests.channels.platform.lab import Lab, Setup, channel_lab
from thinkaloud.channels.matrix.client import MatrixPlatform
from thinkaloud.channels.matrix.settings import MatrixSettings
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.ports.clock import Clock
from thinkaloud.providers.scripted import Script
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore


class MatrixDriver:
    """Implements `Driver`. People call the homeserver directly, the bot through a proxy."""

    live_thoughts = True
    folds = True
    edits = True
    private_replies = False
    lab: Lab
    ada: str
    stranger: str
    bot: Account

    def __init__(self, proxy: Proxy, people: Administration, clock: Clock) -> None:
        self.proxy = proxy
        self.admin = people
        self.group = ""
        self.last_event = ""
        self.rooms: dict[str, str] = {}
        self._clock = clock
        self.state = MemoryChannelState()
        self._store = MemoryStore()
        self._stack = AsyncExitStack()
        self._setup: Setup
        self._before: str | None = None

    async def prepare(
        self, setup: DriverSetup, *, exempt: bool = True, folder: Path | None = None
    ) -> None:
        """Register the bot and two people. `exempt`: from the limit of messages."""
        self.bot = await self.admin.register("bot")
        if exempt:
            await self.admin.exempt(self.bot.user_id)
        self.ada = await self.admin.person("ada")
        self.stranger = await self.admin.person("eve")
        if any(isinstance(each, list) and GROUP in each for each in setup.settings.values()):
            await self.open_group()
        section = setup.section(ada=self.ada, group=self.group)
        values = {key: tuple(v) if isinstance(v, list) else v for key, v in section.items()}
        self._setup = Setup(
            name="matrix",
            settings=MatrixSettings(
                homeserver=self.proxy.base,
                user_id=self.bot.user_id,
                **values,  # pyright: ignore[reportArgumentType]
            ),
            clock=self._clock,
            environment={"MATRIX_ACCESS_TOKEN": self.bot.access_token},
            store=self._store,
            tools=setup.tools,
            reasoning_allowed=setup.reasoning_allowed,
            folder=folder,
        )

    def allow(self, *people: str) -> None:
        """Let nobody but these people use the channel. Call it before `open`."""
        settings = msgspec.structs.replace(self._setup.settings, allow_from=people)
        self._setup = msgspec.structs.replace(self._setup, settings=settings)

    @property
    def gate(self) -> Gate:
        return self.proxy.gate

    async def open(self, *scripts: Script) -> None:
        def make(settings: PlatformSettings, context: PlatformContext) -> MatrixPlatform:
            assert isinstance(settings, MatrixSettings)
            return MatrixPlatform(settings, context)

        self.proxy.since = None
        lab = channel_lab(make, self.state, self._setup, *scripts)
        self.lab = await self._stack.enter_async_context(lab)
        async with self.proxy.changed:
            await self.proxy.changed.wait_for(lambda: self.proxy.since is not None)

    async def close(self) -> None:
        await self._stack.aclose()

    async def restart(self, *scripts: Script) -> None:
        await self.close()
        self.gate.disarm()
        self._stack = AsyncExitStack()
        await self.open(*scripts)

    async def open_group(self) -> None:
        """Create a group with both people and the bot."""
        self.group = await self.admin.room(self.ada, self.stranger, self.bot.user_id)
        await self.join(self.group)

    async def join(self, room_id: str) -> None:
        """Let the bot join, as if it had been in the room before."""
        path = f"/_matrix/client/v3/join/{room_id}"
        await self.admin.call("POST", path, self.bot.access_token, {})

    async def room_of(self, person: str) -> str:
        """Return the direct chat of a person."""
        if person not in self.rooms:
            if person not in {self.ada, self.stranger}:
                await self.admin.register_person(person)
            # Faster than an invitation, which another test accepts.
            room_id = await self.admin.room(person, preset="public_chat")
            self.rooms[person] = room_id
            await self.join(room_id)
        return self.rooms[person]

    async def person_says(
        self,
        text: str,
        *,
        sender: str,
        group: bool = False,
        mention: bool = False,
        is_bot: bool = False,
    ) -> None:
        if group and not self.group:
            await self.open_group()
        room_id = self.group if group else await self.room_of(sender)
        content: dict[str, object] = {
            "msgtype": "m.notice" if is_bot else "m.text",
            "body": f"{self.bot.user_id}: {text}" if mention else text,
            "m.mentions": {"user_ids": [self.bot.user_id]} if mention else {},
        }
        self._before = self.proxy.since
        self.last_event = await self.admin.send(sender, room_id, content)

    async def repeat_last(self) -> None:
        self.proxy.deliver_again(self._before)

    async def press_stop(self, sender: str) -> bool:
        room_id = self.rooms[sender]
        shown = [each for each in messages(self.proxy.events) if each.room_id == room_id]
        relation = {"rel_type": "m.annotation", "event_id": shown[-1].event_id, "key": "🛑"}
        await self.admin.send(sender, room_id, {"m.relates_to": relation}, "m.reaction")
        return True

    def shown(self, chat: str) -> list[Shown]:
        room_id = self.rooms.get(chat, chat)
        return [
            Shown(message.visible, message.folded, not message.is_silent)
            for message in messages(self.proxy.events)
            if message.room_id == room_id
        ]

    def traffic(self) -> list[str]:
        return self.proxy.received

    def pings(self) -> list[str]:
        contents = [event.content for event in self.proxy.events]
        contents += [each["m.new_content"] for each in contents if "m.new_content" in each]
        return [str(each) for each in contents if each.get("m.mentions") != {}]

    def fail_next(self, calls: int, status: int, retry_after: float | None = None) -> None:
        self.proxy.faults += [Fault(status, retry_after)] * calls

    def people(self, count: int) -> Sequence[str]:
        return [
            f"@person-{self.bot.device_id.lower()}-{number}:localhost" for number in range(count)
        ]

    async def changed(self) -> None:
        async with self.proxy.changed:
            await self.proxy.changed.wait()


@asynccontextmanager
async def matrix_world(
    server: Homeserver, clock: Clock | None = None
) -> AsyncGenerator[MatrixDriver]:
    """Connect to the homeserver, without a channel yet."""
    proxy = Proxy(server)
    async with proxy.serving(), administration(server) as people:
        yield MatrixDriver(proxy, people, clock or FastClock(20))


@asynccontextmanager
async def matrix_driver(
    server: Homeserver,
    setup: DriverSetup,
    *scripts: Script,
    clock: Clock | None = None,
    exempt: bool = True,
    folder: Path | None = None,
) -> AsyncGenerator[MatrixDriver]:
    """Connect a channel."""
    async with matrix_world(server, clock) as driver:
        async with asyncio.timeout(30):
            await driver.prepare(setup, exempt=exempt, folder=folder)
            await driver.open(*scripts)
        try:
            yield driver
        finally:
            await driver.close()
