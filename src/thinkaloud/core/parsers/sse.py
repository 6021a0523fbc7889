"""Server-Sent Events as text, incrementally. Source: WHATWG HTML, "Server-sent events" (9.2)."""

from typing import Final

MEDIA_TYPE: Final = "text/event-stream"
_BOM: Final = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """One event is longer than the parser may hold."""


class SSEParser:
    """Bytes in, events out, linear in the bytes and holding no more than one event.

    Feed what arrives, cut anywhere. An event is `(name, data)`, both bytes; `name` is empty
    where the stream gave none. Comments and `retry` are skipped; `last_id` is the last `id`
    that was read. Ends of line may be LF, CRLF or CR. An event or a line that is too long ends
    the stream: the events before it are returned, and the next call raises `EventTooLarge`.
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
        """Take the next bytes and return the events that they complete.

        Raises `EventTooLarge` where an event of an earlier call exceeded the limit, or one of
        this call without any event before it.
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
            self._give_up(events)
        elif chunk:
            # A CR at the end may be half of a CRLF.
            self._skip_lf = chunk.endswith(b"\r")
        return events

    def close(self) -> list[tuple[bytes, bytes]]:
        """Return the event that the stream left without its blank line, if any.

        The standard drops it; providers that end a stream right after their last line mean it.
        Raises `EventTooLarge` as `feed`.
        """
        events: list[tuple[bytes, bytes]] = []
        if self._line:
            line = bytes(self._line)
            self._line.clear()
            self._take(line, events)
        if not self._broken:
            self._take(b"", events)
        if self._broken:
            self._give_up(events)
        return events

    def _check(self, line_bytes: int) -> None:
        """Note whether the open event and this much of a line are more than may be held."""
        self._broken = self._held + line_bytes > self._limit

    def _give_up(self, events: list[tuple[bytes, bytes]]) -> None:
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
