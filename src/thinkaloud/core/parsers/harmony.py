"""gpt-oss's raw "harmony" text, split into reasoning, answer and tool calls, incrementally.

Servers without a parser for it send this format as plain message content. Source: the OpenAI
cookbook, "OpenAI harmony response format".
"""

from enum import Enum
from typing import Final, Literal, NamedTuple

from thinkaloud.core.parsers.inline_tags import Markers

OPENINGS: Final = ("<|channel|>", "<|start|>")
"""What a message in this format begins with."""

_START: Final = "<|start|>"
_CHANNEL: Final = "<|channel|>"
_MESSAGE: Final = "<|message|>"
_CONSTRAIN: Final = "<|constrain|>"
_CONTROLS: Final = Markers(
    [_START, _CHANNEL, _MESSAGE, _CONSTRAIN, "<|end|>", "<|return|>", "<|call|>"]
)

Kind = Literal["reasoning", "answer", "call", "arguments"]


class Piece(NamedTuple):
    """A piece of a message.

    `reasoning` and `answer` carry text that is not empty. `call` opens a tool call of that
    name, `arguments` is the next piece of the open call's arguments. `block` counts the
    messages of the response, from 0, so that two reasoning messages can be told apart.
    """

    kind: Kind
    text: str
    block: int


class _State(Enum):
    BETWEEN = 0
    HEADER = 1
    BODY = 2


class HarmonySplitter:
    """Text in, pieces out: incremental, linear, whatever the cuts.

    The channel `analysis` is reasoning; `final`, and `commentary` that is addressed to nobody,
    are answer; a message to a recipient is a tool call, named without its `functions.`. Text
    between messages is kept as answer. At most one control token is held back.
    """

    __slots__ = ("_block", "_header", "_held", "_kind", "_state")

    def __init__(self) -> None:
        self._held = ""
        self._header: list[str] = []
        self._kind: Kind = "answer"
        self._state = _State.BETWEEN
        self._block = -1

    def feed(self, text: str) -> list[Piece]:
        """Take the next text and return what is certain."""
        return self._take(self._held + text, last=False)

    def close(self) -> list[Piece]:
        """Return what was held back; a message that was never ended stands as it is."""
        return self._take(self._held, last=True)

    def _take(self, text: str, *, last: bool) -> list[Piece]:
        pieces: list[Piece] = []
        start = 0
        while (found := _CONTROLS.find(text, start)) is not None:
            self._text(text[start : found.start], pieces)
            self._control(found.marker, pieces)
            start = found.end
        certain = len(text) if last else _CONTROLS.unfinished(text, start)
        self._text(text[start:certain], pieces)
        self._held = text[certain:]
        return pieces

    def _text(self, text: str, pieces: list[Piece]) -> None:
        if not text:
            return
        match self._state:
            case _State.HEADER:
                self._header.append(text)
            case _State.BODY:
                pieces.append(Piece(self._kind, text, self._block))
            case _State.BETWEEN:
                pieces.append(Piece("answer", text, self._block))

    def _control(self, token: str, pieces: list[Piece]) -> None:
        if token in (_START, _CHANNEL):
            if self._state is not _State.HEADER:
                self._state = _State.HEADER
                self._header.clear()
            self._header.append(token)
        elif token == _MESSAGE:
            self._begin("".join(self._header), pieces)
        elif token == _CONSTRAIN:
            self._text(" " if self._state is _State.HEADER else token, pieces)
        else:
            self._state = _State.BETWEEN

    def _begin(self, header: str, pieces: list[Piece]) -> None:
        self._state = _State.BODY
        self._block += 1
        self._header.clear()
        role, _, rest = header.partition(_CHANNEL)
        channel = rest.split(maxsplit=1)[0] if rest.strip() else ""
        words = [*role.split(), *rest.split()]
        recipient = next((word[3:] for word in words if word.startswith("to=")), "")
        if recipient:
            self._kind = "arguments"
            pieces.append(Piece("call", recipient.removeprefix("functions."), self._block))
        else:
            self._kind = "reasoning" if channel == "analysis" else "answer"
