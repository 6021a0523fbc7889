"""Server-sent events as providers actually send them. Pure and incremental.

Gateways violate the standard in ways that are still unambiguous: keep-alives inside `data`,
events without a blank line between them, an `error:` line, bare JSON lines. This parser accepts
all of them; a standard stream is parsed as in `core.sse`.
"""

import re
from typing import Final

import msgspec
from typing_extensions import override

from thinkaloud.core.parsers.sse import SSEParser

DONE: Final = b"[DONE]"
_JSON: Final = b"data: {"

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
    """An `SSEParser` that also accepts non-standard input from providers.

    - Data that only keeps the connection open becomes empty; variants of `[DONE]` are normalized.
    - A `data` line after a complete JSON document starts the next event.
    - An `error:` line is an event named `error`; text after it becomes `{"error": text}`.
    - A line of bare JSON is an event.

    `stray` holds the start of all other lines: if a stream ends without an end marker, they may
    explain why.
    """

    __slots__ = ("_joined", "_partial", "stray")

    def __init__(self, max_event_bytes: int = 32 * 2**20) -> None:
        super().__init__(max_event_bytes)
        self.stray = b""
        self._partial = False
        """Whether the current data is known to be incomplete, so that it is not parsed again."""
        self._joined = False
        """Whether the current event continues in lines without a field name."""

    @override
    def feed(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        """Process the next bytes; see `SSEParser.feed`."""
        if (
            chunk.startswith(_JSON)
            and chunk.endswith(b"}\n\n")
            and self._started
            and not (self._line or self._data or self._name or self._skip_lf or self._broken)
            and len(chunk) <= self._limit
            and b"\r" not in chunk
        ):
            # The usual chunk: whole events, each one line of JSON, and nothing left from before.
            events: list[tuple[bytes, bytes]] = []
            for event in chunk[:-2].split(b"\n\n"):
                if not event.startswith(_JSON) or b"\n" in event:
                    break
                events.append((b"", event[6:]))
            else:
                return events
        return super().feed(chunk)

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
            self._unusual_line(line, events)

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
            self._unusual_data(data, events)

    def _complete(self) -> bool:
        """Return whether the current data is already a complete event."""
        if len(self._data) > 1 or self._partial:
            return False
        data = self._data[0].strip()
        complete = is_json(data) if data[:1] == b"{" else _is_noise(data)
        self._partial = not complete
        return complete

    def _separate(self, line: bytes, events: list[tuple[bytes, bytes]]) -> bool:
        """End the current event if a `data` line cannot belong to it.

        Returns True if that line is the end marker. It is handled at once, because some servers
        keep the connection open after it.
        """
        if not self._complete():
            return False
        self._emit(events)
        done = _DONE.fullmatch(line[5:].strip()) is not None
        if done:
            events.append((b"", DONE))
        return done

    def _unusual_data(self, data: bytes, events: list[tuple[bytes, bytes]]) -> None:
        """Handle data that does not start like a JSON object."""
        while data.startswith(b"data:"):
            data = data[5:].lstrip()
        stripped = data.strip()
        if _DONE.fullmatch(stripped):
            events.append((self._name, DONE))
        elif error := _ERROR_LINE.match(stripped):
            events.append((b"error", _as_error(stripped[error.end() :])))
        else:
            events.append((self._name, b"" if _NOISE.fullmatch(stripped) else data))

    def _unusual_line(self, line: bytes, events: list[tuple[bytes, bytes]]) -> None:
        """Handle a line that is neither a comment nor one of the common fields."""
        if not self._joined and line.startswith(_STANDARD):
            if line.startswith(b"id:"):
                self.last_id = line[3:].removeprefix(b" ")
            elif line == b"data":
                self._add(b"")
        elif self._joined or (self._data and not self._complete()):
            # JSON on several lines, where only the first has the field name.
            self._joined = True
            self._add(line)
        else:
            if self._data:
                self._emit(events)
            self._line_outside_event(line, events)

    def _line_outside_event(self, line: bytes, events: list[tuple[bytes, bytes]]) -> None:
        """Handle a line outside of any event: an error, bare JSON, or stray text."""
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
    """Return whether this is one complete JSON document."""
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _is_noise(data: bytes) -> bool:
    """Return whether data is only a keep-alive or the end marker."""
    return _NOISE.fullmatch(data) is not None or _DONE.fullmatch(data) is not None


def _as_error(text: bytes) -> bytes:
    if is_json(text):
        return text
    words = text.decode(errors="replace").strip()
    words = words or "The provider reported an error without a message."
    return msgspec.json.encode({"error": words})
