"""What all connections of a server share: their limits, who may wait, and a log that stays small."""

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
"""How long a refused client may go on sending, so that it reads why before the connection goes."""
_GRACE: Final = 1.0
"""Seconds that every connection has: many clients may come back at the same moment."""
_SILENCE: Final = 60.0
"""Seconds in which the log hears once of a kind of bad client, however many there are."""
_log = logging.getLogger(__name__)


class Waiting(Protocol):
    """A connection whose client is expected to send something."""

    def evict(self) -> None:
        """Close it at once: another one needs its place."""
        ...


class Deadline:
    """Calls back once when a time is over, unless it is met."""

    def __init__(self, missed: Callable[[], None]) -> None:
        self._missed = missed
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether it runs."""
        return self._timer is not None

    def set(self, seconds: float) -> None:
        """Restart the count."""
        self.meet()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._call)

    def meet(self) -> None:
        """Stop it, if it runs."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _call(self) -> None:
        self._timer = None
        self._missed()


class Door:
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
        """Since when each waits."""
        self._logged: dict[str, tuple[float, int]] = {}

    def enter(self, connection: Waiting) -> None:
        """Let a connection wait; where there are too many, the one that has waited longest goes."""
        now = asyncio.get_running_loop().time()
        self._waiting[connection] = now
        self._waiting.move_to_end(connection)
        while len(self._waiting) > self._max_waiting:
            oldest, since = next(iter(self._waiting.items()))
            if now - since < _GRACE:
                break
            del self._waiting[oldest]
            oldest.evict()
            self.log("connections closed: too many wait for their clients to send a request")

    def leave(self, connection: Waiting) -> None:
        """Take note that a connection waits no more."""
        self._waiting.pop(connection, None)

    def log(self, what: str) -> None:
        """Log what a bad client did, at most once a minute for each kind."""
        now = asyncio.get_running_loop().time()
        last, unsaid = self._logged.get(what, (now - _SILENCE, 0))
        if now - last < _SILENCE:
            self._logged[what] = (last, unsaid + 1)
            return
        self._logged[what] = (now, 0)
        more = f" ({unsaid} more since the last such line)" if unsaid else ""
        _log.warning("%s%s", what, more)


def raw_refusal(error: Refused) -> bytes:
    """Return a problem as a whole HTTP response, after which the connection is closed."""
    headers, body = refusal(error, new_request_id())
    lines = [b"%s: %s\r\n" % each for each in (*headers, (b"connection", b"close"))]
    return b"".join((STATUS_LINE[error.status], *lines, b"\r\n", body))


class ServerConfig(Config):
    """uvicorn's configuration, by which each connection finds the door."""

    door: Door
