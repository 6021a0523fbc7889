"""Test harness for the WeCom platform: the fake WeCom, and stand-ins for the channel layer."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

from tests.channels.wecom.fake.certificates import ca_file
from tests.channels.wecom.fake.chats import Message
from tests.channels.wecom.fake.people import People
from tests.channels.wecom.fake.server import BOT_ID, SECRET, FakeWeCom
from tests.channels.wecom.fake.visible import visible
from thinkaloud.channels.platform.content import (
    Answer,
    ChatContent,
    ContentBlock,
    Thought,
    ToolLine,
)
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Origin, Sender
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.wecom.client import WeComPlatform
from thinkaloud.channels.wecom.settings import WeComSettings
from thinkaloud.ports.tasks import owned_tasks

S = TypeVar("S", bound=msgspec.Struct)
ADA = ChatAddress("wecom", "ada")
GROUP = ChatAddress("wecom", "group-1")
ENVIRONMENT = {"WECOM_BOT_SECRET": SECRET}


class ManualClock:
    """A clock that only a test advances; sleepers poll it."""

    def __init__(self) -> None:
        self.now_ms = 1_790_000_000_000

    def steady_ms(self) -> int:
        return self.now_ms

    def unix_ms(self) -> int:
        return self.now_ms

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.005)

    def pass_seconds(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


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

    def load(self, kind: type[S]) -> S | None:
        return msgspec.json.decode(self.value, type=kind | None)

    async def save(self, record: msgspec.Struct) -> None:
        self.value = msgspec.json.encode(record)


class RecordingInbox:
    """Records what the platform receives. Implements `Inbox`."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[ChatMessage] = asyncio.Queue()
        self.failures = 0

    async def receive(self, message: ChatMessage) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the store is not available")
        self.messages.put_nowait(message)

    async def stopped(self, chat: ChatAddress, sender: Sender | None) -> None:
        raise AssertionError(chat)

    async def chose(self, chat: ChatAddress, origin: Origin, action: str) -> None:
        raise AssertionError(action)

    async def allows(
        self, sender: Sender, chat: ChatAddress | None = None, community: str = ""
    ) -> bool:
        return True


class EmptyStorage:
    async def get(self, key: str) -> bytes | None:
        return None

    async def put(self, key: str, value: bytes) -> None:
        raise AssertionError(key)

    async def delete(self, key: str) -> bool:
        return False


class Harness:
    """A connected platform, and a run that it shows."""

    def __init__(self, server: FakeWeCom, clock: ManualClock, platform: WeComPlatform) -> None:
        self.server = server
        self.clock = clock
        self.platform = platform
        self.people = People(server)
        self.inbox = RecordingInbox()
        self.kept = SavedRecord()
        self.origin = Origin(Sender("ada"), "message-0")
        self.connections = asyncio.Queue[None]()

    def connected(self) -> None:
        self.connections.put_nowait(None)

    async def asked(self, text: str = "Why?") -> ChatMessage:
        """Let Ada ask, and show the run as the answer to that."""
        await self.people.writes("ada", text)
        message = await self.inbox.messages.get()
        self.origin = message.origin
        return message

    def content(self, *blocks: ContentBlock, **more: Any) -> ChatContent:
        given: dict[str, Any] = {
            "run_id": "run-1",
            "mode": "live",
            "origin": self.origin,
            "blocks": blocks,
        } | more
        return ChatContent(**given)

    async def show(self, *blocks: ContentBlock, **more: Any) -> bool:
        return await self.platform.show(ADA, self.content(*blocks, **more), self.kept)

    async def finish(self, *blocks: ContentBlock, **more: Any) -> None:
        """Show the end of the run repeatedly until it is complete."""
        more = {"final": True, "status": "completed"} | more
        for _ in range(100):
            if await self.show(*blocks, **more):
                return
        raise AssertionError(self.server.refused)

    @property
    def sent(self) -> list[Message]:
        return self.server.chats.messages

    @property
    def contents(self) -> list[str]:
        return [message.content for message in self.sent]

    @property
    def seen(self) -> list[tuple[str, str]]:
        """The visible and the folded text of each message."""
        return [visible(content) for content in self.contents]

    def waits_for_acknowledgements(self, seconds: float) -> None:
        """Let the SDK give up sooner than after its five seconds, which can't be configured."""
        client = self.platform._connection._connected()  # pyright: ignore[reportPrivateUsage]
        client._ws_manager._reply_ack_timeout = seconds  # pyright: ignore[reportPrivateUsage]

    async def loses_connection(self) -> None:
        """Let the connection break, and wait until it is made again."""
        self.clock.pass_seconds(10)
        self.server.abort()
        await self.reconnected()

    async def reconnected(self) -> None:
        """Wait until the platform is connected once more."""
        async with asyncio.timeout(10):
            await self.connections.get()


def make_platform(
    url: str,
    clock: ManualClock,
    environment: Mapping[str, str] = ENVIRONMENT,
    **settings: Any,
) -> WeComPlatform:
    given: dict[str, Any] = {"bot_id": BOT_ID, "ws_url": url, "ca_file": ca_file()} | settings
    context = PlatformContext(
        name="wecom",
        environment=environment,
        clock=clock,
        pace=UnlimitedPace(),
        storage=EmptyStorage(),
    )
    return WeComPlatform(WeComSettings(**given), context)


def thought(text: str, *, closed: bool = False, name: str = "r1", ms: int = 4_000) -> Thought:
    return Thought(name, text, not closed, 0, ms if closed else None)


def answer(markdown: str, *, closed: bool = False, name: str = "a1") -> Answer:
    return Answer(name, markdown, not closed)


def tool(state: Any = "done", title: str = "read notes.txt") -> ToolLine:
    return ToolLine("t1", "read", title, state)


@asynccontextmanager
async def served() -> AsyncGenerator[tuple[FakeWeCom, ManualClock]]:
    clock = ManualClock()
    async with FakeWeCom(lambda: clock.now_ms / 1000).serving() as server:
        yield server, clock


@asynccontextmanager
async def open_harness() -> AsyncGenerator[Harness]:
    """A platform that is connected and receives until the block is left."""
    async with served() as (server, clock):
        harness = Harness(server, clock, make_platform(server.url, clock))
        async with owned_tasks() as tasks:
            running = tasks.create_task(harness.platform.run(harness.inbox, harness.connected))
            await harness.reconnected()
            try:
                yield harness
            finally:
                running.cancel()
