"""Sends a reply of several messages, for `Platform.say`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.ports.clock import Clock

P = TypeVar("P")
_ATTEMPTS: Final = 5


async def send_parts(
    parts: Sequence[P],
    send: Callable[[P], Awaitable[object]],
    clock: Clock,
    *,
    started: bool = False,
    repeatable: bool = False,
) -> None:
    """Send parts in order, so that none is repeated.

    What the first one raises is raised, and the layer says everything again. A later one that is
    limited or fails is retried here, and raises `Rejected` after some attempts. `started`: the caller
    has already sent something. `repeatable`: the platform knows a part that it gets twice, so a
    first one whose confirmation was lost is retried here, too.
    """
    for number, part in enumerate(parts):
        for attempt in range(_ATTEMPTS):
            try:
                await send(part)
            except (RetryLater, Transient) as error:
                lost = repeatable and isinstance(error, Transient) and attempt < _ATTEMPTS - 1
                if number == 0 and not (started or lost):
                    raise
                limited = isinstance(error, RetryLater)
                await clock.sleep(error.seconds if limited else 2.0**attempt)
            else:
                break
        else:
            raise Rejected(f"{len(parts) - number} messages at the end of a reply were not sent")
