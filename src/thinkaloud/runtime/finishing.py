"""What is left to do for a run that has ended: whole segments, search, a title."""

import asyncio
import logging
from typing import Final

from thinkaloud.errors import StoreError
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.conversations import Conversations
from thinkaloud.runtime.hub import Hub
from thinkaloud.runtime.live_log import LiveLog

_LONGEST_WAIT: Final = 60.0
_log = logging.getLogger(__name__)


class Finisher:
    """Finishes runs that have ended, later where the store cannot do it now."""

    def __init__(self, hub: Hub, conversations: Conversations, interval: float) -> None:
        self._hub = hub
        self._conversations = conversations
        self._interval = interval
        self._left: set[asyncio.Task[None]] = set()

    async def finish(self, log: LiveLog, run: RunRecord) -> bool:
        """Compact a run, and give its conversation a title. False where it is still to be done."""
        if not await self._hub.saver.finish(log, run):
            return False
        try:
            await self._conversations.entitle(run)
        except StoreError:
            _log.exception("%s stays without a title", run.conversation_id)
        return True

    def finish_later(self, log: LiveLog, run: RunRecord, tasks: asyncio.TaskGroup) -> None:
        """Try again until it is done, and release the log. What is left at the end, a start does."""
        task = tasks.create_task(self._keep_trying(log, run))
        self._left.add(task)
        task.add_done_callback(self._left.discard)

    def give_up(self) -> None:
        """Leave what is left to the next start."""
        for task in self._left:
            task.cancel()

    async def _keep_trying(self, log: LiveLog, run: RunRecord) -> None:
        wait = self._interval
        try:
            while True:
                await asyncio.sleep(wait)
                if await self.finish(log, run):
                    return
                wait = min(2 * wait, _LONGEST_WAIT)
        finally:
            await self._hub.release(log)
