"""Server-sent events as providers really send them. Pure and incremental.

Gateways break the standard in ways whose meaning is still plain: keep-alives inside `data`,
events without a blank line between them, an `error:` line, bare JSON lines. This parser reads
all of them; a stream that keeps to the standard takes the same path as in `core.sse`.
"""

import re
from typing import Final

import msgspec
from typing_extensions import override

from thinkaloud.core.parsers.sse import SSEParser

DONE: Final = b"[DONE]"

_BOM: Final = b"\xef\xbb\xbf"
_DONE: Final = re.compile(rb'["\']?\[?DONE\]?["\']?', re.IGNORECASE)
_NOISE: Final = re.compile(
    rb"\s*(?::.*)?"
    rb"|[\[<(#*\"'-]*(?:keep[-_ ]?alive|ping|pong|heart[-_ ]?beat|alive|connected|waiting|"
    rb"processing|null|ok)[\s\d.:,TZ+\])>\"'-]*",
    re.IGNORECASE | re.DOTALL,
)
_ERROR_LINE: Final = re.compile(rb"(?:error|exception|fault|err)\s*:\s*", re.IGNORECASE)
_MAX_STRAY: Final = 300
_STANDARD: Final = (b"id:", b"retry:", b"data", b"id", b"event", b"retry")


class ProviderEvents(SSEParser):
    """An `SSEParser` that also reads what providers send beside the standard.

    - Data that only keeps the connection open is empty; `[DONE]` has one spelling.
    - A `data` line after a complete JSON document begins the next event.
    - An `error:` line is an event named `error`; text after it becomes `{"error": text}`.
    - A line of bare JSON is an event.

    `stray` holds the beginning of the lines that are none of these: where a stream ends
    without an end mark, they may say why.
    """

    __slots__ = ("_joined", "_partial", "stray")

    def __init__(self, max_event_bytes: int = 32 * 2**20) -> None:
        super().__init__(max_event_bytes)
        self.stray = b""
        self._partial = False
        """Whether the open data was found to be incomplete: it is not parsed again."""
        self._joined = False
        """Whether the open event goes on in lines without a field name."""

    @override
    def _take(self, line: bytes, events: list[tuple[bytes, bytes]]) -> None:
        self._check(len(line))
        if not self._started:
            self._started = True
            line = line.removeprefix(_BOM)
        data = self._data
        if not line:
            if len(data) == 1 and data[0][:1] == b"{":
                events.append((self._name, data.pop()))
                self._joined = self._partial = False
            elif data:
                self._emit(events)
            self._name = b""
            self._held = 0
            return
        if line.startswith(b"data:"):
            if data and self._separate(line, events):
                return
            data.append(line[6:] if line[5:6] == b" " else line[5:])
            self._held += len(line)
        elif line.startswith(b"event:"):
            if self._data and self._name and self._complete():
                self._emit(events)
            self._name = line[6:].removeprefix(b" ")
            self._held += len(line)
        elif not line.startswith(b":"):
            self._odd(line, events)

    def _add(self, line: bytes) -> None:
        self._data.append(line)
        self._held += len(line)

    def _emit(self, events: list[tuple[bytes, bytes]]) -> None:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data.clear()
        self._held = 0
        self._joined = self._partial = False
        if data[:1] == b"{":
            events.append((self._name, data))
        else:
            self._unusual(data, events)

    def _complete(self) -> bool:
        """Tell whether the open data is an event as it stands."""
        if len(self._data) > 1 or self._partial:
            return False
        data = self._data[0].strip()
        complete = is_json(data) if data[:1] == b"{" else _nothing(data)
        self._partial = not complete
        return complete

    def _separate(self, line: bytes, events: list[tuple[bytes, bytes]]) -> bool:
        """End the open event where a `data` line cannot belong to it.

        Return True where that line is the end mark, which is taken at once: some servers leave
        the connection open behind it.
        """
        if not self._complete():
            return False
        self._emit(events)
        done = _DONE.fullmatch(line[5:].strip()) is not None
        if done:
            events.append((b"", DONE))
        return done

    def _unusual(self, data: bytes, events: list[tuple[bytes, bytes]]) -> None:
        """Take data that does not begin as a JSON object does."""
        while data.startswith(b"data:"):
            data = data[5:].lstrip()
        stripped = data.strip()
        if _DONE.fullmatch(stripped):
            events.append((self._name, DONE))
        elif error := _ERROR_LINE.match(stripped):
            events.append((b"error", _as_error(stripped[error.end() :])))
        else:
            events.append((self._name, b"" if _NOISE.fullmatch(stripped) else data))

    def _odd(self, line: bytes, events: list[tuple[bytes, bytes]]) -> None:
        """Take a line that is no comment and has neither of the common fields."""
        if not self._joined and line.startswith(_STANDARD):
            if line.startswith(b"id:"):
                self.last_id = line[3:].removeprefix(b" ")
            elif line == b"data":
                self._add(b"")
        elif self._joined or (self._data and not self._complete()):
            # JSON on several lines, of which only the first has the field's name.
            self._joined = True
            self._add(line)
        else:
            if self._data:
                self._emit(events)
            self._beside(line, events)

    def _beside(self, line: bytes, events: list[tuple[bytes, bytes]]) -> None:
        """Take a line that is no part of an event: an error, bare JSON, or nothing that is read."""
        if error := _ERROR_LINE.match(line):
            self._name = b"error"
            line = line[error.end() :]
            if line[:1] != b"{":
                line = _as_error(line)
        if line.lstrip()[:1] in (b"{", b"["):
            self._add(line)
            self._joined = not is_json(line)
            if not self._joined:
                self._emit(events)
        elif len(self.stray) < _MAX_STRAY:
            self.stray = b"%b%b\n" % (self.stray, line[:_MAX_STRAY])


def is_json(data: bytes | str) -> bool:
    """Tell whether this is one complete JSON document."""
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _nothing(data: bytes) -> bool:
    """Tell whether data says nothing, or only that the stream is over."""
    return _NOISE.fullmatch(data) is not None or _DONE.fullmatch(data) is not None


def _as_error(text: bytes) -> bytes:
    if is_json(text):
        return text
    words = text.decode(errors="replace").strip() or "The provider reported an error without words."
    return msgspec.json.encode({"error": words})
