"""A content block as it is streamed, and its JSON to send back."""

from typing import Final

import msgspec

from thinkaloud.providers.dialects.anthropic_messages.wire import UNREADABLE, BlockHead
from thinkaloud.providers.dialects.raw_json import compact, has_value
from thinkaloud.providers.dialects.toolcalls import assembled

THINKING: Final = "thinking"
REDACTED: Final = "redacted_thinking"
TEXT: Final = "text"
TOOL: Final = "tool_use"
OWN_KINDS: Final = frozenset({THINKING, REDACTED, TEXT, TOOL})
"""Blocks written by the model itself; any other is an activity of the provider."""

INVALID_JSON: Final = "INVALID_JSON"
"""The key under which Anthropic expects an input that is not a JSON object."""

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_head = msgspec.json.Decoder(BlockHead)
_encode = msgspec.json.Encoder().encode


class Block:
    """A content block: its start, and the pieces that followed.

    Raises one of `wire.UNREADABLE` if `raw` is not a block.
    """

    __slots__ = (
        "_start",
        "citations",
        "head",
        "id",
        "kind",
        "name",
        "number",
        "part",
        "pieces",
        "signature",
        "stopped",
    )

    def __init__(self, raw: bytes) -> None:
        self.head = _head.decode(raw)
        self._start = _fields.decode(raw)
        self.kind = self.head.type or ""
        self.id = self.head.id or ""
        self.name = ""
        """The cleaned name of a tool."""
        self.pieces: list[str] = []
        self.citations: list[msgspec.Raw] = []
        self.signature = self.head.signature or ""
        self.number = 0
        self.part = -1
        self.stopped = False

    def arguments(self, *, whole: bool) -> str:
        """Return the tool's input as received.

        An input received as an object is returned as compact JSON. The empty object at the start of
        every streamed input is ignored unless the block arrived `whole`.
        """
        text = assembled(self.pieces)
        if text or not has_value(self.head.input):
            return text
        text = compact(self.head.input)
        return "" if text == "{}" and not whole else text

    def payload(self) -> msgspec.Raw:
        """Return the block to send back: its start combined with all later pieces."""
        fields = dict(self._start)
        text = "".join(self.pieces)
        match self.kind:
            case "text":
                fields["text"] = _json(text)
                if self.citations:
                    fields["citations"] = _json(self.citations)
            case "thinking":
                fields["thinking"] = _json(text)
                if self.signature:
                    fields["signature"] = _json(self.signature)
            case _:
                if text.strip():
                    fields["input"] = as_input(assembled(self.pieces))
                if self.kind == TOOL:
                    fields.setdefault("input", msgspec.Raw(b"{}"))
                    fields["id"] = _json(self.id)
                    if self.name != self.head.name:
                        fields["name"] = _json(self.name)
        return _json(fields)


def as_input(arguments: str) -> msgspec.Raw:
    """Return arguments as the object that the API requires."""
    if not arguments.strip():
        return msgspec.Raw(b"{}")
    try:
        _fields.decode(arguments)
    except UNREADABLE:
        return _json({INVALID_JSON: arguments})
    return msgspec.Raw(arguments.encode())


def _json(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
