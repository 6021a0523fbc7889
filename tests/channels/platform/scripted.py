"""An in-memory chat platform that records what it shows, and fails on demand."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from thinkaloud.channels.markdown.plain import plain_text
from thinkaloud.channels.platform.content import ChatContent, Thought
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import PlatformError, Transient
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Origin, Sender
from thinkaloud.channels.platform.platform import Check, Inbox, Limits, PlatformContext, Sent
from thinkaloud.channels.platform.settings import PlatformSettings


class Record(msgspec.Struct, frozen=True):
    """What the scripted platform keeps for a run: its message and what is in it."""

    message_id: int
    text: str


class Bubble(msgspec.Struct):
    """A message that people see in a chat."""

    chat: ChatAddress
    text: str
    versions: int = 1
    visible: str = ""
    folded: str = ""
    private_to: str | None = None


class ScriptedPlatform:
    """One message per run, edited in place: the thought in `<>`, tools in `[]`, then the answer."""

    def __init__(
        self, settings: PlatformSettings, context: PlatformContext, limits: Limits | None = None
    ) -> None:
        self.settings = settings
        self.context = context
        self.limits = limits or Limits(edit_seconds=1.0)
        self.bubbles: list[Bubble] = []
        self.failures: list[PlatformError | None] = []
        self.is_down_for: Callable[[str], bool] = lambda _: False
        self.typed: list[bool] = []
        self.calls: list[str] = []
        self.inbox: Inbox | None = None
        self.closed = False
        self.changed = asyncio.Condition()

    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        self.inbox = inbox
        ready()
        await asyncio.Event().wait()

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        self._fail()
        text = rendered(content)
        if self.is_down_for(text):
            raise Transient("down")
        self.calls.append(text)
        record = sent.load(Record)
        if not text or (record is not None and record.text == text):
            return True
        if record is None:
            self.bubbles.append(Bubble(chat, text))
            record = Record(len(self.bubbles) - 1, text)
            await sent.save(Record(len(self.bubbles) - 1, text))
        else:
            bubble = self.bubbles[record.message_id]
            bubble.text, bubble.versions = text, bubble.versions + 1
            await sent.save(Record(record.message_id, text))
        bubble = self.bubbles[record.message_id]
        bubble.visible, bubble.folded = folded(content)
        await self._notify()
        return True

    async def say(
        self,
        chat: ChatAddress,
        markdown: str,
        *,
        origin: Origin | None = None,
        private: bool = False,
    ) -> bool:
        self._fail()
        reader = origin.sender.id if private and origin else None
        self.bubbles.append(Bubble(chat, markdown, visible=plain_text(markdown), private_to=reader))
        self.calls.append(markdown)
        await self._notify()
        return True

    async def typing(self, chat: ChatAddress, origin: Origin, *, on: bool) -> None:
        self.typed.append(on)

    async def check(self) -> Sequence[Check]:
        return (Check("token", ok=True, detail="scripted"),)

    async def close(self) -> None:
        self.closed = True

    def texts(self, chat: ChatAddress) -> list[str]:
        return [bubble.text for bubble in self.bubbles if bubble.chat == chat]

    async def next_change(self) -> None:
        async with self.changed:
            await self.changed.wait()

    def _fail(self) -> None:
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()


class DocumentPlatform(ScriptedPlatform):
    """The same, with files: about 100 characters fit into a message."""

    message_chars = 100

    def __init__(
        self, settings: PlatformSettings, context: PlatformContext, limits: Limits | None = None
    ) -> None:
        super().__init__(settings, context, limits)
        self.documents: list[Document] = []
        self.document_failures: list[PlatformError] = []

    async def send_document(self, chat: ChatAddress, origin: Origin, document: Document) -> None:
        if self.document_failures:
            raise self.document_failures.pop(0)
        self.documents.append(document)


def rendered(content: ChatContent) -> str:
    lines: list[str] = []
    for block in content.blocks:
        match block:
            case Thought():
                label = "Thinking" if block.open else f"Thought for {content.thought_seconds} s"
                lines.append(f"<{label}: {block.text}>")
            case _:
                lines.append(getattr(block, "markdown", "") or f"[{block}]")
    return "\n".join([*lines, *([content.closing] if content.closing else [])])


def folded(content: ChatContent) -> tuple[str, str]:
    """What is visible, and what is behind a fold."""
    shown = [block.markdown for block in content.answers]
    if content.thinking:
        shown.insert(0, content.thought_text)
    elif content.thoughts:
        shown.insert(0, f"Thought for {content.thought_seconds} s")
    visible = "\n".join([*shown, *([content.closing] if content.closing else [])])
    return visible, "" if content.thinking else content.thought_text


def message(
    text: str,
    message_id: str = "1",
    *,
    chat: str = "ada",
    sender: str = "ada",
    is_group: bool = False,
    mentioned: bool = False,
    is_bot: bool = False,
) -> ChatMessage:
    return ChatMessage(
        chat=ChatAddress("scripted", chat),
        sender=Sender(sender, is_bot=is_bot),
        message_id=message_id,
        text=text,
        is_group=is_group,
        mentioned=mentioned,
    )
