"""Test harness for the Telegram platform alone: the fake Bot API, and stand-ins for the channel layer."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from tests.channels.telegram.fake.people import People
from tests.channels.telegram.fake.server import TOKEN, FakeTelegram
from thinkaloud.channels.platform.content import ChatContent, ContentBlock, Thought
from thinkaloud.channels.platform.errors import RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Origin, Sender
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.telegram.client import TelegramPlatform
from thinkaloud.channels.telegram.settings import TelegramSettings

S = TypeVar("S", bound=msgspec.Struct)

DIRECT = ChatAddress("telegram", "1")
GROUP = ChatAddress("telegram", "-100")
ASKED = Origin(Sender("1", "Ada"), "7")


class ManualClock:
    """A clock that a test advances, or that advances by each sleep."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000
        self.while_asleep: list[Callable[[], object]] = []
        """What happens during the next sleep."""

    def steady_ms(self) -> int:
        return self.now_ms

    def unix_ms(self) -> int:
        return 1_790_000_000_000 + self.now_ms

    async def sleep(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)
        while self.while_asleep:
            self.while_asleep.pop()()
        await asyncio.sleep(0)

    def pass_seconds(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


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
        self.spent.append((budget, final))
        return True


class EmptyStorage:
    async def get(self, key: str) -> bytes | None:
        return None

    async def put(self, key: str, value: bytes) -> None:
        raise AssertionError(key)

    async def delete(self, key: str) -> bool:
        return False


class SavedRecord:
    """What the layer persists for a run, as JSON."""

    def __init__(self) -> None:
        self.stored: bytes | None = None

    def load(self, kind: type[S]) -> S | None:
        return None if self.stored is None else msgspec.json.decode(self.stored, type=kind)

    async def save(self, record: msgspec.Struct) -> None:
        self.stored = msgspec.json.encode(record)


class RecordingInbox:
    """An inbox that records what it receives."""

    def __init__(self) -> None:
        self.messages: list[ChatMessage] = []
        self.stops: list[tuple[ChatAddress, Sender | None]] = []
        self.choices: list[tuple[ChatAddress, Origin, str]] = []
        self.changed = asyncio.Condition()

    async def receive(self, message: ChatMessage) -> None:
        self.messages.append(message)
        await self._notify()

    async def stopped(self, chat: ChatAddress, sender: Sender | None) -> None:
        self.stops.append((chat, sender))
        await self._notify()

    async def chose(self, chat: ChatAddress, origin: Origin, action: str) -> None:
        self.choices.append((chat, origin, action))
        await self._notify()

    async def allows(self, sender: Sender, chat: ChatAddress | None = None) -> bool:
        return True

    async def until(self, messages: int = 0, stops: int = 0, choices: int = 0) -> None:
        def arrived() -> bool:
            return (len(self.messages), len(self.stops), len(self.choices)) >= (
                messages,
                stops,
                choices,
            )

        async with self.changed:
            await self.changed.wait_for(arrived)

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()


class Harness:
    """The parts of a test."""

    def __init__(
        self,
        server: FakeTelegram,
        clock: ManualClock,
        pace: UnlimitedPace,
        platform: TelegramPlatform,
    ) -> None:
        self.server = server
        self.clock = clock
        self.pace = pace
        self.platform = platform
        self.people = People(server)
        self.inbox = RecordingInbox()
        self.sent = SavedRecord()
        self.server.chats.kinds |= {1: "private", -100: "supergroup"}

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[None]:
        """Run the platform within the block."""
        ready = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.platform.run(self.inbox, ready.set))
            await ready.wait()
            try:
                yield
            finally:
                task.cancel()

    async def show(
        self,
        *blocks: ContentBlock,
        chat: ChatAddress = DIRECT,
        pause: float = 1.0,
        **fields: object,
    ) -> bool:
        """Let the platform make one step, a while after the last one."""
        self.clock.pass_seconds(pause)
        return await self.platform.show(chat, content(*blocks, **fields), self.sent)

    async def finish(
        self, *blocks: ContentBlock, chat: ChatAddress = DIRECT, **fields: object
    ) -> None:
        """Show the final content as the layer does: until it is complete, waiting when the platform asks for it."""
        for _ in range(50):
            try:
                if await self.show(*blocks, chat=chat, final=True, **fields):
                    return
            except RetryLater as error:
                self.clock.pass_seconds(error.seconds)
            except Transient:
                continue
        raise AssertionError("it did not end")


def content(*blocks: ContentBlock, **fields: object) -> ChatContent:
    values: dict[str, object] = {
        "run_id": "run-1",
        "mode": "live",
        "origin": ASKED,
        "status": "completed" if fields.get("final") else "running",
    }
    return ChatContent(blocks=blocks, **(values | fields))  # pyright: ignore[reportArgumentType]


def thought(text: str, *, seconds: float | None = 4, name: str = "t1") -> Thought:
    """A thought that has ended, or is still open if `seconds` is None."""
    milliseconds = None if seconds is None else int(seconds * 1000)
    return Thought(name, text, seconds is None, 0, milliseconds)


@asynccontextmanager
async def open_harness(
    settings: TelegramSettings | None = None, environment: Mapping[str, str] | None = None
) -> AsyncGenerator[Harness]:
    clock = ManualClock()
    pace = UnlimitedPace()
    server = FakeTelegram(clock.steady_ms)
    async with server.serving():
        chosen = settings or TelegramSettings()
        chosen = msgspec.structs.replace(chosen, api_base=server.base)
        context = PlatformContext(
            name="telegram",
            environment={"TELEGRAM_BOT_TOKEN": TOKEN} if environment is None else environment,
            clock=clock,
            pace=pace,
            storage=EmptyStorage(),
        )
        platform = TelegramPlatform(chosen, context)
        try:
            yield Harness(server, clock, pace, platform)
        finally:
            await platform.close()
