"""Test harness for the Slack platform: the fake Slack, and stand-ins for the channel layer."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

from tests.channels.slack.fake.messages import Message
from tests.channels.slack.fake.people import People
from tests.channels.slack.fake.server import APP_TOKEN, BOT_TOKEN, FakeSlack
from tests.channels.slack.fake.workspace import TEAM
from thinkaloud.channels.platform.content import (
    Answer,
    ChatContent,
    ContentBlock,
    Thought,
    ToolLine,
)
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Origin, Sender
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.slack.client import SlackPlatform
from thinkaloud.channels.slack.settings import SlackSettings
from thinkaloud.ports.tasks import owned_tasks

S = TypeVar("S", bound=msgspec.Struct)
ENVIRONMENT = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}


class ManualClock:
    """A clock that a test advances, or that advances by each sleep."""

    def __init__(self) -> None:
        self.now_ms = 1_790_000_000_000

    def steady_ms(self) -> int:
        return self.now_ms

    def unix_ms(self) -> int:
        return self.now_ms

    async def sleep(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)
        await asyncio.sleep(0)

    def seconds(self) -> float:
        return self.now_ms / 1000


class UnlimitedPace:
    """A pace without limits, except for budgets that a test exhausts."""

    def __init__(self) -> None:
        self.exhausted: set[str] = set()

    async def spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> None:
        pass

    def try_spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> bool:
        return budget not in self.exhausted


class SavedRecord:
    """What the platform has sent, in memory. Implements `Sent`."""

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
        self.stops: list[tuple[ChatAddress, Sender | None]] = []
        self.choices: list[tuple[ChatAddress, Origin, str]] = []
        self.fails = False
        self.changed = asyncio.Event()

    async def receive(self, message: ChatMessage) -> None:
        if self.fails:
            raise RuntimeError("the store is not available")
        self.messages.append(message)
        self.changed.set()

    async def stopped(self, chat: ChatAddress, sender: Sender | None) -> None:
        self.stops.append((chat, sender))
        self.changed.set()

    async def chose(self, chat: ChatAddress, origin: Origin, action: str) -> None:
        self.choices.append((chat, origin, action))
        self.changed.set()

    async def allows(self, sender: Sender, chat: ChatAddress | None = None) -> bool:
        return True


class EmptyStorage:
    """Implements `Storage` in memory; the platform stores nothing there."""

    async def get(self, key: str) -> bytes | None:
        return None

    async def put(self, key: str, value: bytes) -> None:
        raise AssertionError(key)

    async def delete(self, key: str) -> bool:
        return False


class Harness:
    """One chat with a person, and a run that is shown in it."""

    def __init__(self, slack: FakeSlack, clock: ManualClock) -> None:
        self.slack = slack
        self.clock = clock
        self.pace = UnlimitedPace()
        self.people = People(slack)
        self.kept = SavedRecord()
        self.inbox = RecordingInbox()
        self.platform = self.new_platform()
        self.channel = self.people.direct("U0ADA")
        self.chat = ChatAddress("slack", self.channel)
        self.asked: Message

    def new_platform(self, *, ping_seconds: float = 60, **options: Any) -> SlackPlatform:
        """A platform as a new process would create it.

        With a short `ping_seconds`, a busy machine answers too late, and the connection is lost.
        """
        context = PlatformContext(
            name="slack",
            environment=ENVIRONMENT,
            clock=self.clock,
            pace=self.pace,
            storage=EmptyStorage(),
        )
        settings = SlackSettings(api_base=self.slack.url)
        return SlackPlatform(settings, context, ping_seconds=ping_seconds, **options)

    @property
    def origin(self) -> Origin:
        thread = self.asked.thread_ts or self.asked.ts
        return Origin(
            Sender("U0ADA"),
            self.asked.ts,
            is_group=not self.channel.startswith("D"),
            token=f"{TEAM}/{thread}",
        )

    def content(self, *blocks: ContentBlock, **more: Any) -> ChatContent:
        given = {"run_id": "run-1", "mode": "live", "origin": self.origin, "blocks": blocks} | more
        return ChatContent(**given)

    async def show(self, *blocks: ContentBlock, **more: Any) -> bool:
        return await self.platform.show(self.chat, self.content(*blocks, **more), self.kept)

    async def finish(self, *blocks: ContentBlock, **more: Any) -> None:
        """Show the end of the run repeatedly until it is complete."""
        more = {"final": True, "status": "completed"} | more
        for _ in range(30):
            if await self.show(*blocks, **more):
                return
            self.clock.now_ms += 1_000
        raise AssertionError(self.slack.errors)

    @property
    def sent(self) -> list[Message]:
        return self.slack.workspace.by_bot(self.channel)

    @property
    def only(self) -> Message:
        [message] = self.sent
        return message

    def methods(self) -> list[str]:
        """The methods that were called for messages, in order."""
        return [method for method, _ in self.slack.calls if method.startswith("chat.")]

    async def processed(self) -> None:
        """Wait for the next thing that the platform receives."""
        await self.inbox.changed.wait()
        self.inbox.changed.clear()


def thought(text: str, *, closed: bool = False, name: str = "r1", ms: int = 4_000) -> Thought:
    return Thought(name, text, not closed, 0, ms if closed else None)


def answer(markdown: str, *, closed: bool = False, name: str = "a1") -> Answer:
    return Answer(name, markdown, not closed)


def tool(state: Any = "done", title: str = "read notes.txt", name: str = "t1") -> ToolLine:
    return ToolLine(name, "read", title, state)


@asynccontextmanager
async def open_harness() -> AsyncGenerator[Harness]:
    """Open a harness in which Ada has asked something in a direct message."""
    clock = ManualClock()
    async with FakeSlack(clock.seconds).serve() as slack:
        harness = Harness(slack, clock)
        harness.asked = await harness.people.writes("U0ADA", harness.channel, "What is 6 times 7?")
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
    made: Sequence[str] = [
        f"word{index}." if index % sentence == sentence - 1 else f"word{index}"
        for index in range(count)
    ]
    return " ".join(made)
