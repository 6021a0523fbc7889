"""Checks rich messages as the Bot API does, and returns what people see of them."""

import json
from typing import Any

from tests.channels.telegram.fake.refusals import bad_request

CHARACTERS, BLOCKS, LEVELS, COLUMNS = 32_768, 500, 16, 20

FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "paragraph": ({"text"}, set()),
    "heading": ({"text", "size"}, set()),
    "pre": ({"text"}, {"language"}),
    "footer": ({"text"}, set()),
    "divider": (set(), set()),
    "mathematical_expression": ({"expression"}, set()),
    "list": ({"items"}, set()),
    "blockquote": ({"blocks"}, {"credit"}),
    "expandable_blockquote": ({"text"}, {"credit"}),
    "table": ({"cells"}, {"is_bordered", "is_striped", "caption", "is_compact"}),
    "details": ({"summary", "blocks"}, {"is_open"}),
    "thinking": ({"text"}, set()),
}
"""By type of block: the fields it must have, and those it may have."""
STYLES = {"bold", "italic", "strikethrough", "code", "underline", "spoiler", "marked"}
ITEM_FIELDS = {"blocks", "has_checkbox", "is_checked", "value", "type"}
CELL_FIELDS = {"align", "valign", "text", "is_header", "colspan", "rowspan"}


class Rich:
    """A checked rich message: its blocks and its text, in and outside of folds."""

    def __init__(self, raw: str, *, draft: bool) -> None:
        value = _json(raw)
        if sum(name in value for name in ("html", "markdown", "blocks")) != 1:
            raise bad_request("exactly one of html, markdown and blocks must be used")
        if "blocks" not in value:
            raise bad_request("the fake server only reads blocks")
        self.detects = not value.get("skip_entity_detection")
        self.blocks = value["blocks"]
        self._draft = draft
        self._count = 0
        self.visible: list[str] = []
        self.folded: list[str] = []
        self.thinking: list[str] = []
        if not self.blocks:
            raise bad_request("message text is empty")
        self._blocks(self.blocks, 1, self.visible)
        length = len("".join([*self.visible, *self.folded, *self.thinking]).encode("utf-16-le"))
        if length // 2 > CHARACTERS:
            raise bad_request("message is too long")
        if self._count > BLOCKS:
            raise bad_request("too many blocks")

    def _blocks(self, blocks: Any, level: int, into: list[str]) -> None:
        if not isinstance(blocks, list) or not blocks:
            raise bad_request("a block without content")
        if level > LEVELS:
            raise bad_request("blocks are nested too deeply")
        for block in blocks:
            self._block(block, level, into)

    def _block(self, block: Any, level: int, into: list[str]) -> None:
        self._count += 1
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in FIELDS:
            raise bad_request(f"unsupported block type {kind!r}")
        needed, allowed = FIELDS[kind]
        given = set(block) - {"type"}
        if needed - given or given - needed - allowed:
            raise bad_request(f"wrong fields of a {kind} block: {sorted(given)}")
        match kind:
            case "details":
                into.append(_text(block["summary"]))
                self._blocks(
                    block["blocks"], level + 1, into if block.get("is_open") else self.folded
                )
            case "thinking":
                if not self._draft or level > 1:
                    raise bad_request("a thinking block is allowed in drafts only")
                self.thinking.append(_text(block["text"]))
            case "blockquote":
                self._blocks(block["blocks"], level + 1, into)
            case "list":
                for item in block["items"]:
                    self._count += 1
                    if set(item) - ITEM_FIELDS:
                        raise bad_request("wrong fields of a list item")
                    self._blocks(item.get("blocks"), level + 2, into)
            case "table":
                self._table(block["cells"], into)
            case "mathematical_expression":
                into.append(block["expression"])
            case "divider":
                pass
            case _:
                if kind == "heading" and block["size"] not in range(1, 7):
                    raise bad_request("wrong size of a heading")
                into.append(_text(block["text"]))

    def _table(self, rows: Any, into: list[str]) -> None:
        for row in rows:
            self._count += 1
            if len(row) > COLUMNS:
                raise bad_request("too many columns in a table")
            for cell in row:
                if set(cell) - CELL_FIELDS or not {"align", "valign"} <= set(cell):
                    raise bad_request("wrong fields of a cell")
                into.append(_text(cell.get("text", "")))


def _json(raw: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        raise bad_request("can't parse rich message JSON object") from None
    if not isinstance(value, dict):
        raise bad_request("a rich message must be an object")
    return value


def _text(value: Any) -> str:
    """Return the characters of a rich text."""
    match value:
        case str():
            return value
        case list():
            return "".join(map(_text, value))
        case {"type": "url", "text": text, "url": str(url)}:
            if not url.startswith(("http://", "https://", "mailto:", "tg://")):
                raise bad_request("wrong URL")
            return _text(text)
        case {"type": "mathematical_expression", "expression": str(expression)}:
            return expression
        case {"type": str(kind), "text": text} if kind in STYLES and len(value) == 2:
            return _text(text)
        case _:
            raise bad_request(f"unsupported rich text {value!r}")
