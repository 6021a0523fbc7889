"""gpt-oss's raw "harmony" text, split into reasoning, answer and tool calls, incrementally.

Servers without a parser for it send this format as plain message content. Source: the OpenAI
cookbook, "OpenAI harmony response format".
"""

from enum import Enum
from typing import Final, Literal, NamedTuple

from thinkaloud.core.parsers.inline_tags import MarkerFinder

OPENINGS: Final = ("<|channel|>", "<|start|>")
"""The tokens that a message in this format can start with."""

_START: Final = "<|start|>"
_CHANNEL: Final = "<|channel|>"
_MESSAGE: Final = "<|message|>"
_CONSTRAIN: Final = "<|constrain|>"
_CONTROLS: Final = MarkerFinder(
    [_START, _CHANNEL, _MESSAGE, _CONSTRAIN, "<|end|>", "<|return|>", "<|call|>"]
)

Kind = Literal["reasoning", "answer", "call", "arguments"]


class Piece(NamedTuple):
    """A piece of a message.

    `reasoning` and `answer` have non-empty text. `call` starts a tool call with that name;
    `arguments` is a piece of its arguments. `block` is the index of the message in the response,
    which separates consecutive reasoning messages.
    """

    kind: Kind
    text: str
    block: int


class _State(Enum):
    BETWEEN = 0
    HEADER = 1
    BODY = 2


class HarmonySplitter:
    """Splits chunks of text into pieces, incrementally and in linear time.

    The channel `analysis` is reasoning; `final`, and `commentary` without a recipient, are answer;
    a message to a recipient is a tool call, named without the prefix `functions.`. Text between
    messages is answer. At most one control token is buffered.
    """

    __slots__ = ("_block", "_header", "_held", "_kind", "_state")

    def __init__(self) -> None:
        self._held = ""
        self._header: list[str] = []
        self._kind: Kind = "answer"
        self._state = _State.BETWEEN
        self._block = -1

    def feed(self, text: str) -> list[Piece]:
        """Process the next chunk and return the complete pieces."""
        return self._take(self._held + text, last=False)

    def close(self) -> list[Piece]:
        """Return the buffered text at the end of the response. An unfinished message is kept."""
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
