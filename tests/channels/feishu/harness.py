"""Test harness for the Feishu platform: the fake Feishu, and stand-ins for the channel layer."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

from tests.channels.feishu.fake.chats import Message
from tests.channels.feishu.fake.people import People
from tests.channels.feishu.fake.server import APP_ID, SECRET, FakeFeishu
from tests.channels.feishu.fake.visible import visible
from thinkaloud.channels.feishu.client import FeishuPlatform
from thinkaloud.channels.feishu.settings import FeishuSettings
from thinkaloud.channels.platform.content import (
    Answer,
    ChatContent,
    ContentBlock,
    Thought,
    ToolLine,
)
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Origin, Sender
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.ports.tasks import owned_tasks

S = TypeVar("S", bound=msgspec.Struct)
ADA = ChatAddress("feishu", "ou_ada")
GROUP = ChatAddress("feishu", "oc_group")
ENVIRONMENT = {"FEISHU_APP_SECRET": SECRET}


class ManualClock:
    """A clock that a test advances, or that advances by each sleep."""

    def __init__(self) -> None:
        self.now_ms = 1_790_000_000_000

    def steady_ms(self) -> int:
        return self.now_ms

    def unix_ms(self) -> int:
        return self.now_ms

    async def sleep(self, seconds: float) -> None:
        if seconds > 100:  # A ping; a test that wants one moves the clock itself.
            await asyncio.Event().wait()
        self.now_ms += int(seconds * 1000)
        await asyncio.sleep(0)

    def seconds(self) -> float:
        return self.now_ms / 1000


class UnlimitedPace:
    """A pace without limits."""

    async def spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> None: ...

    def try_spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> bool:
        return True


class SavedRecord:
    """What the platform has sent, as the layer persists it. Implements `Sent`."""

    def __init__(self) -> None:
        self.value = b"null"
        self.saves = 0

    def load(self, kind: type[S]) -> S | None:
        return msgspec.json.decode(self.value, type=kind | None)

    async def save(self, record: msgspec.Struct) -> None:
        self.value = msgspec.json.encode(record)
        self.saves += 1


class RecordingInbox:
    """Records what the platform receives. Implements `Inbox`."""

    def __init__(self) -> None:
        self.messages: list[ChatMessage] = []
        self.choices: list[tuple[ChatAddress, Origin, str]] = []
        self.allowed = True
        self.failures = 0
        self.held: dict[str, asyncio.Event] = {}
        """Messages whose handling waits, by their texts."""

    async def receive(self, message: ChatMessage) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the store is not available")
        if message.text in self.held:
            await self.held[message.text].wait()
        self.messages.append(message)

    async def stopped(self, chat: ChatAddress, sender: Sender | None) -> None:
        raise AssertionError(chat)

    async def chose(self, chat: ChatAddress, origin: Origin, action: str) -> None:
        self.choices.append((chat, origin, action))

    async def allows(self, sender: Sender, chat: ChatAddress | None = None) -> bool:
        return self.allowed


class EmptyStorage:
    """The platform's own values, in memory. Implements `Storage`."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    async def put(self, key: str, value: bytes) -> None:
        self.values[key] = value

    async def delete(self, key: str) -> bool:
        return self.values.pop(key, None) is not None


class Harness:
    """One chat with a person, and a run that is shown in it."""

    def __init__(self, server: FakeFeishu, clock: ManualClock) -> None:
        self.server = server
        self.clock = clock
        self.people = People(server)
        self.kept = SavedRecord()
        self.inbox = RecordingInbox()
        self.stored = EmptyStorage()
        self.platform = self.new_platform()
        self.chat = ADA
        server.chats.open_direct("ou_ada")
        server.chats.groups.add("oc_group")
        self.origin = Origin(Sender("ou_ada"), "om_question")

    def new_platform(self, **settings: Any) -> FeishuPlatform:
        """A platform as a new process would create it."""
        given = {"app_id": APP_ID, "domain": self.server.url} | settings
        return make_platform(FeishuSettings(**given), self.clock, stored=self.stored)

    def content(self, *blocks: ContentBlock, **more: Any) -> ChatContent:
        given = {"run_id": "run-1", "mode": "live", "origin": self.origin, "blocks": blocks} | more
        return ChatContent(**given)

    async def show(self, *blocks: ContentBlock, **more: Any) -> bool:
        self.clock.now_ms += 1_000
        return await self.platform.show(self.chat, self.content(*blocks, **more), self.kept)

    async def finish(self, *blocks: ContentBlock, **more: Any) -> None:
        """Show the end of the run repeatedly until it is complete."""
        more = {"final": True, "status": "completed"} | more
        for _ in range(30):
            if await self.show(*blocks, **more):
                return
        raise AssertionError(self.server.refused)

    @property
    def chat_id(self) -> str:
        return self.server.chats.direct.get(self.chat.chat_id, self.chat.chat_id)

    @property
    def sent(self) -> list[Message]:
        return self.server.chats.by_bot(self.chat_id)

    def seen(self, message: Message) -> tuple[str, str]:
        """The visible and the folded text of a message."""
        card = message.content
        if message.card_id is not None:
            card = self.server.cards.entities[message.card_id].card
        return visible(card)

    @property
    def only(self) -> tuple[str, str]:
        [message] = self.sent
        return self.seen(message)

    @property
    def streaming(self) -> bool:
        """Whether the only card still streams."""
        [entity] = self.server.cards.entities.values()
        return self.server.cards.is_streaming(entity)

    def calls(self) -> list[str]:
        """The calls that showed something: the last words of their paths."""
        return [
            each.split(" ")[0] + " " + each.split(" ")[1].split("?")[0].split("/")[-1]
            for each in self.server.traffic
        ]


def make_platform(
    settings: FeishuSettings,
    clock: ManualClock,
    environment: Mapping[str, str] = ENVIRONMENT,
    stored: EmptyStorage | None = None,
) -> FeishuPlatform:
    context = PlatformContext(
        name="feishu",
        environment=environment,
        clock=clock,
        pace=UnlimitedPace(),
        storage=stored or EmptyStorage(),
    )
    return FeishuPlatform(settings, context)


def thought(text: str, *, closed: bool = False, name: str = "r1", ms: int = 4_000) -> Thought:
    return Thought(name, text, not closed, 0, ms if closed else None)


def answer(markdown: str, *, closed: bool = False, name: str = "a1") -> Answer:
    return Answer(name, markdown, not closed)


def tool(state: Any = "done", title: str = "read notes.txt", name: str = "t1") -> ToolLine:
    return ToolLine(name, "read", title, state)


@asynccontextmanager
async def open_harness() -> AsyncGenerator[Harness]:
    clock = ManualClock()
    async with FakeFeishu(clock.seconds).serving() as server:
        harness = Harness(server, clock)
        try:
            yield harness
        finally:
            await harness.platform.close()


@asynccontextmanager
async def receiving(harness: Harness) -> AsyncGenerator[None]:
    """Let the platform receive until the block is left."""
    ready = asyncio.Event()
    async with owned_tasks() as tasks:
        running = tasks.create_task(harness.platform.run(harness.inbox, ready.set))
        await ready.wait()
        try:
            yield
        finally:
            running.cancel()


def words(count: int, sentence: int = 12) -> str:
    """Text of so many words, in sentences."""
    return " ".join(
        f"word{index}." if index % sentence == sentence - 1 else f"word{index}"
        for index in range(count)
    )
