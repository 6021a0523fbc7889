"""What a platform raises when a call fails. The layer decides what happens next.

Messages never contain tokens: they are logged and shown by `thinkaloud doctor`.
"""

import math
import socket
import ssl
from collections.abc import Sequence
from typing import Final, Literal

RetryScope = Literal["chat", "channel", "updates"]
"""What has to wait: everything for this `chat`; everything of the `channel` (the app, the
workspace); or only `updates` of unfinished content in this chat, while a final may be sent."""


_UNKNOWN_SECONDS: Final = 5.0
_LEAST_SECONDS: Final = 0.05
_MOST_SECONDS: Final = 24 * 3600.0
_REASONS: Final[Sequence[tuple[type[BaseException], str]]] = (
    (TimeoutError, "no answer in time"),
    (ConnectionRefusedError, "the connection was refused"),
    (ConnectionError, "the connection broke"),
    (socket.gaierror, "the host name is unknown"),
    (ssl.SSLError, "no secure connection; perhaps the certificate is not valid"),
)


class PlatformError(Exception):
    """Base class of the errors of platforms."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RetryLater(PlatformError):
    """The platform limits the rate: call again after `seconds`.

    The platform's own figure may be passed on unchecked: it is kept between 0.05 s and a day, and one
    that isn't a finite number counts as 5 s.
    """

    def __init__(self, seconds: float, scope: RetryScope = "chat") -> None:
        if not math.isfinite(seconds):
            seconds = _UNKNOWN_SECONDS
        seconds = min(_MOST_SECONDS, max(_LEAST_SECONDS, seconds))
        super().__init__(f"rate limited for {seconds:g} s ({scope})")
        self.seconds = seconds
        self.scope: RetryScope = scope


class Transient(PlatformError):
    """The call failed and may succeed later: the network, a 5xx, a lost connection."""


class Rejected(PlatformError):
    """The call failed and always will: the platform doesn't accept this content or chat."""


class Misconfigured(PlatformError):
    """The channel can't work until the operator acts: a bad token, a missing scope. From `run`.

    The layer reports it and tries again seldom.
    """


def network_reason(error: BaseException) -> str:
    """Return why a connection failed, for the operator. Doesn't use the error's text, which may have a token."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    for kind, reason in _REASONS:
        if isinstance(cause, kind):
            return reason
    return type(error).__name__ if cause is error else "no connection"
