"""Converts HTML to readable text. Pure; bounded on hostile input."""

import re
from html.parser import HTMLParser
from typing import Final

from typing_extensions import override

_PIECE: Final = 16 * 1024
# The parser rescans an unfinished tag with every piece; give up above this size.
_MOST_UNFINISHED: Final = 256 * 1024

_UNSEEN: Final = frozenset({"script", "style", "noscript", "template", "svg", "iframe"})
_BREAKS: Final = frozenset(
    {
        *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt"),
        *("fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4"),
        *("h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section"),
        *("table", "title", "tr", "ul"),
    }
)


def html_to_text(html: str, enough: int) -> str:
    """Return the visible text, one line per block; list items start with "- ".

    Scripts, styles, drawings and comments are omitted, and so is everything after a tag or comment
    longer than 256 KiB. Parsing may stop once there are more than `enough` characters of text.
    """
    reader = _Reader()
    for start in range(0, len(html), _PIECE):
        reader.feed(html[start : start + _PIECE])
        if len(reader.rawdata) > _MOST_UNFINISHED or reader.visible > enough:
            break
    else:
        reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._unseen = ""
        self._depth = 0
        self.visible = 0
        """Number of visible characters so far, without white space."""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._unseen:
            self._depth += tag == self._unseen
        elif tag in _UNSEEN:
            self._unseen, self._depth = tag, 1
        elif tag in _BREAKS:
            self._pieces.append("\n- " if tag == "li" else "\n")
        elif tag in {"td", "th"}:
            self._pieces.append("\t")

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._unseen and tag in _BREAKS:
            self._pieces.append("\n")

    @override
    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            self._depth -= tag == self._unseen
            if self._depth == 0:
                self._unseen = ""
        elif tag in _BREAKS:
            self._pieces.append("\n")

    @override
    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.visible += len("".join(data.split()))
            self._pieces.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self._pieces).split("\n"))
        return "\n".join(line for line in lines if line and line != "-")
