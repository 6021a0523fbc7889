"""Test harness for the Discord platform: the fake Discord, and stand-ins for the channel layer."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

from tests.channels.discord.fake.messages import Message
from tests.channels.discord.fake.people import People
from tests.channels.discord.fake.server import TOKEN, FakeDiscord
from thinkaloud.channels.discord.client import DiscordPlatform
from thinkaloud.channels.discord.settings import DiscordSettings
from thinkaloud.channels.platform.content import (
    Answer,
    ChatContent,
    ContentBlock,
    Thought,
    ToolLine,
)
from thinkaloud.channels.platform.errors import RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Origin, Sender
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.ports.tasks import owned_tasks

S = TypeVar("S", bound=msgspec.Struct)
ADA = "600000000000000101"
EVE = "600000000000000102"


class ManualClock:
    """A clock that a test advances, or that advances by each sleep."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self.held = False
        """Whether sleeping takes for ever."""

    def steady_ms(self) -> int:
        return self.now

    def unix_ms(self) -> int:
        return 1_790_000_000_000 + self.now

    async def sleep(self, seconds: float) -> None:
        if self.held:
            await asyncio.Event().wait()
        self.now += int(seconds * 1000)
        await asyncio.sleep(0)

    def pass_seconds(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


class UnlimitedPace:
    """A pace without limits that counts the calls."""

    def __init__(self) -> None:
        self.spent: list[tuple[str, bool]] = []

    async def spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> None:
        self.spent.append((budget, final))

    def try_spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> bool:
        return True


class SavedRecord:
    """What the layer persists for a run. Implements `Sent`."""

    def __init__(self) -> None:
        self.value = b"null"

    def load(self, kind: type[S]) -> S | None:
        return msgspec.json.decode(self.value, type=kind | None)

    async def save(self, record: msgspec.Struct) -> None:
        self.value = msgspec.json.encode(record)


class RecordingInbox:
    """Records what the platform receives. Implements `Inbox`."""

    def __init__(self) -> None:
        self.messages: list[ChatMessage] = []
        self.choices: list[tuple[ChatAddress, Origin, str]] = []
        self.allowed = True
        self._changed = asyncio.Condition()

    async def receive(self, message: ChatMessage) -> None:
        self.messages.append(message)
        await self._notify()

    async def stopped(self, chat: ChatAddress, sender: Sender | None) -> None:
        raise AssertionError(chat)

    async def chose(self, chat: ChatAddress, origin: Origin, action: str) -> None:
        self.choices.append((chat, origin, action))
        await self._notify()

    async def allows(
        self, sender: Sender, chat: ChatAddress | None = None, community: str = ""
    ) -> bool:
        return self.allowed

    async def until(self, messages: int = 0, choices: int = 0) -> None:
        """Wait until so much has arrived."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: len(self.messages) >= messages and len(self.choices) >= choices
            )

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class EmptyStorage:
    """Implements `Storage`; the platform stores nothing there."""

    async def get(self, key: str) -> bytes | None:
        return None

    async def put(self, key: str, value: bytes) -> None:
        raise AssertionError(key)

    async def delete(self, key: str) -> bool:
        return False


class Harness:
    """A direct chat with Ada, and a run that is shown in it."""

    def __init__(self, server: FakeDiscord, clock: ManualClock) -> None:
        self.server = server
        self.clock = clock
        self.pace = UnlimitedPace()
        self.people = People(server)
        self.kept = SavedRecord()
        self.inbox = RecordingInbox()
        self.chat = ChatAddress("discord", server.places.direct_channel(ADA))
        self.origin = Origin(Sender(ADA, "Ada"), "7")
        self._platforms: list[DiscordPlatform] = []
        self.platform = self.new_platform()

    def new_platform(self, token: str = TOKEN, **settings: Any) -> DiscordPlatform:
        """A platform as a new process would create it."""
        context = PlatformContext(
            name="discord",
            environment={"DISCORD_BOT_TOKEN": token},
            clock=self.clock,
            pace=self.pace,
            storage=EmptyStorage(),
        )
        chosen = DiscordSettings(api_base=f"{self.server.url}/api/v10", **settings)
        made = DiscordPlatform(chosen, context)
        self._platforms.append(made)
        return made

    async def close(self) -> None:
        for platform in self._platforms:
            await platform.close()

    def content(self, *blocks: ContentBlock, **more: Any) -> ChatContent:
        given = {"run_id": "run-1", "mode": "live", "origin": self.origin, "blocks": blocks} | more
        return ChatContent(**given)

    async def show(self, *blocks: ContentBlock, **more: Any) -> bool:
        """Let the platform make one step, a while after the last one."""
        self.clock.pass_seconds(1.2)
        return await self.platform.show(self.chat, self.content(*blocks, **more), self.kept)

    async def showing(self, *blocks: ContentBlock, **more: Any) -> None:
        """Show content repeatedly until it is complete."""
        while not await self.show(*blocks, **more):
            pass

    async def finish(self, *blocks: ContentBlock, **more: Any) -> None:
        """Show the end of the run as the layer does: until it is there, waiting when it must."""
        more = {"final": True, "status": "completed"} | more
        for _ in range(60):
            try:
                if await self.show(*blocks, **more):
                    return
            except RetryLater as order:
                self.clock.pass_seconds(order.seconds)
            except Transient:
                continue
        raise AssertionError(self.server.errors)

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait until something has happened; it is checked after each call."""
        while True:
            changed = self.server.next_change()
            if happened():
                return
            await changed.wait()

    @property
    def seen(self) -> list[Message]:
        return self.server.places.seen(self.chat.thread_id or self.chat.chat_id)

    def calls(self) -> list[str]:
        """The calls for messages, in order: `POST`, `PATCH`, `DELETE`."""
        return [method for method, path, _ in self.server.calls if "/messages" in path]


def thought(text: str, *, closed: bool = False, name: str = "r1") -> Thought:
    return Thought(name, text, not closed, 0, 4_000 if closed else None)


def answer(markdown: str, *, closed: bool = False) -> Answer:
    return Answer("a1", markdown, not closed)


def tool(state: Any = "done", title: str = "read notes.txt", name: str = "t1") -> ToolLine:
    return ToolLine(name, "read", title, state)


@asynccontextmanager
async def open_harness() -> AsyncGenerator[Harness]:
    clock = ManualClock()
    server = FakeDiscord(clock.steady_ms)
    async with server.serving():
        harness = Harness(server, clock)
        try:
            yield harness
        finally:
            await harness.close()


@asynccontextmanager
async def receiving(harness: Harness) -> AsyncGenerator[None]:
    """Let the platform receive until the block is left."""
    ready = asyncio.Event()
    harness.clock.held = True
    async with owned_tasks() as tasks:
        running = tasks.create_task(harness.platform.run(harness.inbox, ready.set))
        await ready.wait()
        try:
            yield
        finally:
            running.cancel()
    harness.clock.held = False
