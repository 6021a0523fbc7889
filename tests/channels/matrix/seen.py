"""What a person sees of the bot's messages, from the events that the server has accepted."""

from collections.abc import Iterable, Sequence
from html.parser import HTMLParser
from typing import Any

import msgspec
from typing_extensions import override

from tests.channels.matrix.proxy import Event

_LINES = {"p", "br", "li", "h1", "h2", "h3", "tr", "pre", "details", "summary", "hr"}


class Message(msgspec.Struct):
    """A message, with its newest version."""

    room_id: str
    event_id: str
    first: dict[str, Any]
    content: dict[str, Any]
    edits: int = 0

    @property
    def is_silent(self) -> bool:
        """Edits never notify, and notices don't by default."""
        return self.first["msgtype"] == "m.notice"

    @property
    def visible(self) -> str:
        return parted(self.content.get("formatted_body", ""))[0]

    @property
    def folded(self) -> str:
        return parted(self.content.get("formatted_body", ""))[1]


def messages(events: Iterable[Event]) -> Sequence[Message]:
    """Apply edits as clients do."""
    found: dict[str, Message] = {}
    for event in events:
        relation = event.content.get("m.relates_to", {})
        if event.kind != "m.room.message":
            continue
        if relation.get("rel_type") == "m.replace":
            message = found[relation["event_id"]]
            message.content = event.content["m.new_content"]
            message.edits += 1
        else:
            found[event.event_id] = Message(
                event.room_id, event.event_id, event.content, event.content
            )
    return list(found.values())


def parted(html: str) -> tuple[str, str]:
    """Return the visible text of HTML, and the text in closed folds."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.visible).strip(), "".join(reader.folded).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.visible: list[str] = []
        self.folded: list[str] = []
        self._folds: list[bool] = []
        self._in_summary = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LINES:
            self._text("\n")
        if tag == "details":
            self._folds.append("open" not in dict(attrs))
        if tag == "summary":
            self._in_summary = True

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "details":
            self._folds.pop()
        if tag == "summary":
            self._in_summary = False
        if tag in _LINES:
            self._text("\n")

    @override
    def handle_data(self, data: str) -> None:
        self._text(data)

    def _text(self, text: str) -> None:
        hidden = any(self._folds) and not self._in_summary
        (self.folded if hidden else self.visible).append(text)
