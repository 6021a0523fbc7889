"""Parses texts in HTML mode as the Bot API does."""

import re
from html.parser import HTMLParser

from typing_extensions import override

from tests.channels.telegram.fake.refusals import bad_request

CHARACTERS = 4_096
TAGS = {"b", "i", "s", "u", "code", "pre", "a", "blockquote", "tg-spoiler"}
MENTION = re.compile(r"(?<![\w@/])@([A-Za-z]\w{3,31})")


class Parsed(HTMLParser):
    """A text without its markup, and the names that would be notified."""

    def __init__(self, text: str, mode: str | None) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self._marked: list[str] = []
        self.visible: list[str] = []
        self.folded: list[str] = []
        self._fold = False
        self.mentions: list[str] = []
        if mode is None:
            self.handle_data(text)
        elif mode == "HTML":
            self.feed(text)
            self.close()
        else:
            raise bad_request("unsupported parse_mode")
        if self._open:
            raise bad_request(f"can't parse entities: can't find end tag of {self._open[-1]!r}")
        whole = "".join([*self.visible, *self.folded])
        if not whole.strip():
            raise bad_request("message text is empty")
        if len(whole.encode("utf-16-le")) // 2 > CHARACTERS:
            raise bad_request("message is too long")

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise bad_request(f"can't parse entities: unsupported start tag {tag!r}")
        if tag == "blockquote":
            if "blockquote" in self._open:
                raise bad_request("can't parse entities: nested blockquote")
            self._fold = "expandable" in dict(attrs)
        self._open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            raise bad_request(f"can't parse entities: unexpected end tag {tag!r}")
        self._fold = self._fold and tag != "blockquote"

    @override
    def handle_data(self, data: str) -> None:
        (self.folded if self._fold else self.visible).append(data)
        if not {"code", "pre"} & set(self._open):
            self.mentions += MENTION.findall(data)
