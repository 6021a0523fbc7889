"""Finalizes ended runs: compaction, search index, conversation title."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.core.conversations.title import title_of
from thinkaloud.errors import StoreError
from thinkaloud.events.fold import RunFold
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.log.live_log import LiveLog

_LONGEST_WAIT: Final = 60.0
_SHORT_CHARACTERS: Final = 65_536
"""How long a run may be whose end waits for its compaction, which takes about 2 ms then."""
_log = logging.getLogger(__name__)


class ReadRun(msgspec.Struct, frozen=True):
    """An ended run that the caller has read completely."""

    entries: Sequence[Entry]
    fold: RunFold | None
    """None if another run replaced it."""


class Finalizer:
    """Finishes ended runs, retrying if the store fails."""

    def __init__(self, hub: Hub, interval: float) -> None:
        self._hub = hub
        self._interval = interval
        self._left: set[asyncio.Task[None]] = set()

    async def show_end(self, log: LiveLog, run: RunRecord) -> None:
        """Persist the terminal event, then publish it. A short run is finished with it."""
        fold = log.runs[run.run_id]
        title = _title_of(fold) if fold.characters <= _SHORT_CHARACTERS else None
        await self._hub.writer.show_end(log, run, title)

    async def finish(self, log: LiveLog, run: RunRecord) -> bool:
        """Compact a run and set its conversation's title. Returns False if not done yet."""
        if self._hub.writer.is_finished(run.run_id):
            return True
        fold = log.runs.get(run.run_id)
        if fold is None:
            fold = await self._read(run)
        return await self._hub.writer.finish(log, run, _title(fold))

    async def finish_read(self, log: LiveLog, run: RunRecord, read: ReadRun) -> None:
        """Like `finish`, for a run that the caller has read, without reading it again."""
        await self._hub.writer.finish(log, run, _title(read.fold), read.entries)

    def finish_later(self, log: LiveLog, run: RunRecord, tasks: asyncio.TaskGroup) -> None:
        """Retry until done, then release the log. The next start does what is left at shutdown."""
        task = tasks.create_task(self._retry(log, run))
        self._left.add(task)
        task.add_done_callback(self._left.discard)

    def stop_retrying(self) -> None:
        """Stop retrying and leave the rest to the next start."""
        for task in self._left:
            task.cancel()

    async def _retry(self, log: LiveLog, run: RunRecord) -> None:
        wait = self._interval
        try:
            while True:
                await asyncio.sleep(wait)
                if await self.finish(log, run):
                    return
                wait = min(2 * wait, _LONGEST_WAIT)
        finally:
            await self._hub.release(log)

    async def _read(self, run: RunRecord) -> RunFold | None:
        try:
            return (await self._hub.fold(run.owner, run.conversation_id)).runs.get(run.run_id)
        except StoreError:
            _log.exception("could not save a title for %s", run.conversation_id)
            return None


def _title(run: RunFold | None) -> str:
    """Return the title that a run gives an untitled conversation."""
    if run is None or run.ended is None:
        return ""
    return _title_of(run)


def _title_of(run: RunFold) -> str:
    view = run.view()
    return title_of(view.response, view.input.text)
