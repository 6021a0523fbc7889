"""Answers that are too long for a chat: shown up to a place, and sent completely as a document."""

from typing import Final, Protocol, runtime_checkable

import msgspec

from thinkaloud.channels.platform.content import Answer, ChatContent, ContentBlock
from thinkaloud.channels.platform.message import ChatAddress, Origin

_MOST_CHARS: Final = 64_000
"""Nobody reads more than this in a chat, and rendering more would delay the other chats."""
_LINE_CHARS: Final = 1_000
"""How far behind the limit the end of a line may be."""
_NAME: Final = "answer.md"
_CAPTION: Final = "The complete answer"


class Document(msgspec.Struct, frozen=True):
    """A file for people in a chat."""

    name: str
    media_type: str
    data: bytes
    caption: str
    """Plain text."""
    key: str
    """Identifies it: where the platform can tell, a document with the same key is sent only once."""


@runtime_checkable
class SendsDocuments(Protocol):
    """What a platform that takes files implements beside `Platform`."""

    @property
    def message_chars(self) -> int:
        """About how many characters of an answer fit into one message."""
        ...

    async def send_document(self, chat: ChatAddress, origin: Origin, document: Document) -> None:
        """Send a document below the answer to the message of `origin`.

        It notifies nobody, and spends the budgets that `Limits.show_spends` doesn't name.
        Raises as `Platform.show`; `Rejected` also if it is too large.
        """
        ...


class Shortened(msgspec.Struct, frozen=True):
    """What a chat shows of content with a long answer."""

    content: ChatContent
    rest: str = ""
    """The Markdown that it leaves out, complete in itself. Empty if nothing is left out."""


def shortened(content: ChatContent, messages: int, message_chars: int) -> Shortened:
    """Leave out what doesn't fit into so many messages. Pure.

    Of an answer that grows, the start that is shown never changes, so it can be streamed.
    """
    room = min(messages * message_chars, _MOST_CHARS)
    if sum(len(answer.markdown) for answer in content.answers) <= room:
        return Shortened(content)
    blocks: list[ContentBlock] = []
    rest: list[str] = []
    for block in content.blocks:
        if not isinstance(block, Answer):
            blocks.append(block)
            continue
        end = 0 if rest else _end(block.markdown, room)
        room -= end
        if end == len(block.markdown):
            blocks.append(block)
            continue
        if end:
            shown = f"{block.markdown[:end].rstrip()}\n\n…"
            blocks.append(msgspec.structs.replace(block, markdown=shown))
        rest.append(_opened(block.markdown, end))
    if not rest:
        return Shortened(content)
    left = msgspec.structs.replace(content, blocks=tuple(blocks))
    return Shortened(left, "\n\n".join(rest))


def answer_document(content: ChatContent) -> Document:
    """Return the complete answer of a run as a Markdown document."""
    data = f"{content.answer}\n".encode()
    return Document(_NAME, "text/markdown", data, _CAPTION, f"{content.run_id}/answer")


def _end(markdown: str, room: int) -> int:
    """Return where to cut: at the first end of a line behind `room`, if it isn't far."""
    if len(markdown) <= room:
        return len(markdown)
    most = max(0, room) + _LINE_CHARS
    line_end = markdown.find("\n", max(0, room), most)
    return min(most, len(markdown)) if line_end < 0 else line_end


def _opened(markdown: str, start: int) -> str:
    """Return the text from `start` on; if that is inside a code block, in one of its own."""
    fences = [line for line in markdown[:start].splitlines() if line.lstrip().startswith("```")]
    rest = markdown[start:].lstrip("\n")
    return f"{fences[-1].lstrip()}\n{rest}" if len(fences) % 2 else rest
