"""Deletes conversations past their retention period."""

import logging
from typing import Final

from thinkaloud.errors import StoreError
from thinkaloud.ports.clock import Clock
from thinkaloud.runtime.conversations.service import Conversations

_DAY_MS: Final = 24 * 3600 * 1000
_PURGE_SECONDS: Final = 3600.0
_log = logging.getLogger(__name__)


async def purge_periodically(conversations: Conversations, clock: Clock, days: float) -> None:
    """Delete, now and every hour, conversations not updated for `days`, until cancelled."""
    while True:
        try:
            await conversations.purge(clock.unix_ms() - int(days * _DAY_MS))
        except StoreError:
            _log.exception("could not delete old conversations; retrying later")
        await clock.sleep(_PURGE_SECONDS)
