"""Deletes what protocols keep, when it is too old."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from thinkaloud.errors import StoreError
from thinkaloud.ports.clock import Clock

_HOUR_SECONDS: Final = 3_600.0
_log = logging.getLogger(__name__)

Trim = Callable[[], Awaitable[None]]
"""Deletes what is too old. Raises `StoreError`."""


async def trim_periodically(trims: Sequence[Trim], clock: Clock) -> None:
    """Call each of `trims`, now and every hour, until cancelled."""
    while True:
        for trim in trims:
            try:
                await trim()
            except StoreError:
                _log.exception("could not delete old records of other protocols; retrying later")
        await clock.sleep(_HOUR_SECONDS)
