"""State shared by all connections: limits, waiting connections and rate-limited logging."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from thinkaloud.server.http.guard import new_request_id, refusal
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.settings import ServerSettings

LINGER_SECONDS: Final = 1.0
"""How long to keep a rejected client's connection open, so that it can read the response."""
_GRACE: Final = 1.0
"""Minimum wait before a connection can be evicted: many clients may reconnect at once."""
_SILENCE: Final = 60.0
"""Minimum seconds between log lines about the same kind of client error."""
_log = logging.getLogger(__name__)


class Waiting(Protocol):
    """A connection that is waiting for its client to send a request."""

    def evict(self) -> None:
        """Close it immediately to make room for another one."""
        ...


class Deadline:
    """A timer that calls back once when it expires, unless it is met."""

    def __init__(self, missed: Callable[[], None]) -> None:
        self._missed = missed
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether the timer is running."""
        return self._timer is not None

    def set(self, seconds: float) -> None:
        """Start or restart the timer."""
        self.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._call)

    def cancel(self) -> None:
        """Stop the timer, if it is running."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _call(self) -> None:
        self._timer = None
        self._missed()


class ConnectionLimits:
    """The connections that are waiting for their client, oldest first.

    Their number is bounded: a client that sends nothing, or an incomplete request, is disconnected
    when a new one connects. Requests in progress and open sockets do not count.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.max_header_bytes = settings.max_header_bytes
        self.header_timeout = settings.header_timeout_seconds
        self.body_timeout = settings.body_timeout_seconds
        self._max_waiting = settings.max_waiting_connections
        self._waiting: OrderedDict[Waiting, float] = OrderedDict()
        """When each started waiting."""
        self._logged: dict[str, tuple[float, int]] = {}

    def enter(self, connection: Waiting) -> None:
        """Add a waiting connection; if there are too many, evict the oldest one."""
        now = asyncio.get_running_loop().time()
        self._waiting[connection] = now
        self._waiting.move_to_end(connection)
        while len(self._waiting) > self._max_waiting:
            oldest, since = next(iter(self._waiting.items()))
            if now - since < _GRACE:
                break
            del self._waiting[oldest]
            oldest.evict()
            self.log("idle connections closed: too many are open")

    def leave(self, connection: Waiting) -> None:
        """Remove a connection that no longer waits."""
        self._waiting.pop(connection, None)

    def log(self, what: str) -> None:
        """Log a client error, at most once a minute per message."""
        now = asyncio.get_running_loop().time()
        last, unsaid = self._logged.get(what, (now - _SILENCE, 0))
        if now - last < _SILENCE:
            self._logged[what] = (last, unsaid + 1)
            return
        self._logged[what] = (now, 0)
        more = f" ({unsaid} more since the last such message)" if unsaid else ""
        _log.warning("%s%s", what, more)


def raw_refusal(error: Refused) -> bytes:
    """Return a problem as a complete HTTP response with `Connection: close`."""
    _, headers, body = refusal(error, new_request_id())
    lines = [b"%s: %s\r\n" % each for each in (*headers, (b"connection", b"close"))]
    return b"".join((STATUS_LINE[error.status], *lines, b"\r\n", body))


class ServerConfig(Config):
    """uvicorn's configuration, which gives each connection access to the door."""

    connection_limits: ConnectionLimits
