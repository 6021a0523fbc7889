"""Turns the errors of WeCom and of its SDK into those of the layer.

The SDK raises `RuntimeError` with the code in its text. Codes: https://developer.work.weixin.qq.com/document/path/90313
"""

import re
from typing import Final

from thinkaloud.channels.platform.content import one_line
from thinkaloud.channels.platform.errors import (
    Misconfigured,
    PlatformError,
    Rejected,
    RetryLater,
    RetryScope,
    Transient,
    network_reason,
)

INVALID_REQUEST: Final = 846605
"""The message that is answered came over an earlier connection, or too long ago."""
STREAM_EXPIRED: Final = 846608
_NOT_SUBSCRIBED: Final = 846609
_LIMITS: Final[dict[int, tuple[float, RetryScope]]] = {
    846607: (10.0, "chat"),  # 30 messages a minute and 1,000 an hour in each chat
    45009: (10.0, "channel"),
    45033: (2.0, "channel"),
}
"""WeCom doesn't say how long to wait."""
_TEMPORARY: Final = {-1, 6000, 50001, 50002, _NOT_SUBSCRIBED}
_CODE: Final = re.compile(r"errcode=(-?\d+), errmsg=(.*)", re.DOTALL)
_LOGIN_CODE: Final = re.compile(r"Authentication failed: (.*) \(code: (-?\d+)\)", re.DOTALL)


class Refusal(Rejected):
    """WeCom answered with an error code, and will again."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"WeCom refuses the message: {code} {message}".rstrip())
        self.code = code


def sending_failure(error: Exception) -> PlatformError:
    """Return the error for a message that was not acknowledged."""
    found = _CODE.search(str(error))
    if found is None:
        # A lost connection, or no acknowledgement in time.
        return Transient(f"the long connection: {network_reason(error)}")
    code = int(found.group(1))
    if code in _LIMITS:
        return RetryLater(*_LIMITS[code])
    if code in _TEMPORARY:
        return Transient(f"WeCom is busy or not connected: {code}")
    return Refusal(code, one_line(found.group(2), 200))


def login_failure(error: Exception, bot_id: str) -> PlatformError:
    """Return the error for a connection that could not be made, or whose login failed."""
    found = _LOGIN_CODE.search(str(error))
    if found is None:
        # The SDK reports the end of a connection as an exception without a type.
        reason = "" if type(error) is Exception else f": {network_reason(error)}"
        return Transient(f"the long connection ended{reason}")
    code = int(found.group(2))
    if code in _TEMPORARY or code in _LIMITS:
        return Transient(f"WeCom refuses the login for now: {code}")
    return Misconfigured(
        f"WeCom does not accept the bot id {one_line(bot_id, 60)} with this secret ({code}"
        f" {one_line(found.group(1), 100)}): copy both again from the bot's page, and choose the"
        " long connection there."
    )
