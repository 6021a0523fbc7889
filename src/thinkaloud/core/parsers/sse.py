"""Parse Server-Sent Events incrementally. Source: WHATWG HTML, "Server-sent events" (9.2)."""

from typing import Final

MEDIA_TYPE: Final = "text/event-stream"
_BOM: Final = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """An event exceeds the size limit of the parser."""


class SSEParser:
    """Parses bytes into events, in linear time, buffering at most one event.

    Chunks may be split anywhere. An event is `(name, data)`, both bytes; `name` is empty if the
    stream has none. Comments and `retry` are skipped; `last_id` is the last `id` received. Lines
    may end with LF, CRLF or CR. An event or line that is too long ends the stream: the events
    before it are returned, and the next call raises `EventTooLarge`.
    """

    __slots__ = (
        "_broken",
        "_data",
        "_held",
        "_limit",
        "_line",
        "_name",
        "_skip_lf",
        "_started",
        "last_id",
    )

    def __init__(self, max_event_bytes: int = 32 * 2**20) -> None:
        self.last_id = b""
        self._line = bytearray()
        self._data: list[bytes] = []
        self._name = b""
        self._held = 0
        self._skip_lf = False
        self._started = False
        self._limit = max_event_bytes
        self._broken = False

    def feed(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        """Process the next bytes and return the completed events.

        Raises `EventTooLarge` if an event exceeded the limit in an earlier call, or in this call
        without any event before it.
        """
        if self._skip_lf and chunk:
            self._skip_lf = False
            chunk = chunk.removeprefix(b"\n")
        events: list[tuple[bytes, bytes]] = []
        for line in chunk.splitlines(keepends=True):
            if self._broken:
                break
            if not line.endswith((b"\n", b"\r")):
                self._line += line
                self._check(len(self._line))
                break
            if self._line:
                self._line += line
                line = bytes(self._line)
                self._line.clear()
            self._take(line.rstrip(b"\r\n"), events)
        if self._broken:
            self._discard_event(events)
        elif chunk:
            # A CR at the end may be half of a CRLF.
            self._skip_lf = chunk.endswith(b"\r")
        return events

    def close(self) -> list[tuple[bytes, bytes]]:
        """Return the last event if the stream ended without its blank line.

        The standard discards it, but some providers end their streams this way. Raises
        `EventTooLarge` as `feed`.
        """
        events: list[tuple[bytes, bytes]] = []
        if self._line:
            line = bytes(self._line)
            self._line.clear()
            self._take(line, events)
        if not self._broken:
            self._take(b"", events)
        if self._broken:
            self._discard_event(events)
        return events

    def _check(self, line_bytes: int) -> None:
        """Record whether the open event and a line of this length exceed the limit."""
        self._broken = self._held + line_bytes > self._limit

    def _discard_event(self, events: list[tuple[bytes, bytes]]) -> None:
        self._line.clear()
        self._data.clear()
        if not events:
            raise EventTooLarge(f"one event is longer than {self._limit} bytes")

    def _take(self, line: bytes, events: list[tuple[bytes, bytes]]) -> None:
        self._check(len(line))
        if not self._started:
            self._started = True
            line = line.removeprefix(_BOM)
        if not line:
            if self._data:
                data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                events.append((self._name, data))
                self._data.clear()
            self._name = b""
            self._held = 0
            return
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            self._held += len(line)
        elif line.startswith(b"event:"):
            self._name = line[6:].removeprefix(b" ")
            self._held += len(line)
        elif line == b"data":
            self._data.append(b"")
            self._held += len(line)
        elif line.startswith(b"id:"):
            self.last_id = line[3:].removeprefix(b" ")
