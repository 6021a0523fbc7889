"""Saves the events of live logs in the background: no reader or model waits for it."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from thinkaloud.core.conversations.search_text import searchable
from thinkaloud.core.reclassify import settled
from thinkaloud.errors import Fenced, StoreError
from thinkaloud.events.event import RunEnded, RunStarted
from thinkaloud.ports.store import RunRecord, Store
from thinkaloud.runtime.log.entry import Entry, stored
from thinkaloud.runtime.log.fence import Fence, FencedStore
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.log.shared_log import SharedLog

RESERVED_AHEAD: Final = 65_536
"""How many numbers to reserve at a time. A crash skips at most twice as many."""
_LONGEST_HOLD: Final = 1.0
_FIRST_WAIT: Final = 0.05
_SHORT_RUN: Final = 1_024
"""How many events a run may have to be finished before its end is published."""
_PAGE: Final = 512
_log = logging.getLogger(__name__)


class LogWriter:
    """Saves new events in batches across all conversations."""

    def __init__(self, store: Store, fence: Fence | None = None) -> None:
        self._store = store
        self._fenced = FencedStore(store, fence)
        self._unsaved: dict[tuple[str, str], LiveLog] = {}
        self._work = asyncio.Event()
        self._saving = asyncio.Lock()
        self._failing = False
        self.closing = False
        """Whether ends are no more held back until a store that fails works again."""
        self._unfinished: set[str] = set()
        self._finished: set[str] = set()
        """The runs that were finished with their end, and don't know it yet."""
        self._ending: set[asyncio.Task[None]] = set()
        """They end by themselves; `save` waits for what they are saving."""

    @property
    def failing(self) -> bool:
        """Whether the last save failed and there are still events to save."""
        return self._failing and (bool(self._unsaved) or self._saving.locked())

    def note(self, log: LiveLog) -> None:
        """Mark a log as having unsaved events. Deleted conversations are ignored."""
        if log.is_detached:
            return
        self._unsaved[log.owner, log.conversation_id] = log
        self._work.set()

    def forget(self, owner: str, conversation_id: str) -> None:
        """Discard the unsaved events of a deleted conversation."""
        self._unsaved.pop((owner, conversation_id), None)

    async def keep_saving(self, interval: float) -> None:
        """Save new events at most every `interval` seconds, until cancelled."""
        commits_first = self._store.is_shared
        while True:
            await self._work.wait()
            if commits_first:
                # Followers wait for the commit: the first event of a burst is not held back.
                await self.save()
            await asyncio.sleep(interval)
            if not commits_first:
                await self.save()

    async def save(self) -> None:
        """Save all new events in one batch. If that fails, they are kept and retried."""
        async with self._saving:
            logs, self._unsaved = self._unsaved, {}
            self._work.clear()
            taken = [(log, _to_save(log)) for log in logs.values()]
            try:
                if self._failing:
                    # First, because collecting a batch is slow if the disk was full for long.
                    await self._store.check_writing()
                await self._fenced.append(
                    {
                        (log.owner, log.conversation_id): stored(entries)
                        for log, entries in taken
                        if entries
                    }
                )
                for log, entries in taken:
                    _note_saved(log, entries)
                    # The store may not have the conversation of an unconfirmed run yet.
                    if log.writers and log.unconfirmed is None:
                        await self.reserve(log)
                if self._failing and logs:
                    self._failing = False
                    _log.warning("saving events works again")
            except Fenced:
                pass  # The fence knows, and its runs are ended.
            except StoreError:
                self._note_failed()
            finally:
                for log in logs.values():
                    log.shrink()
                    if not log.is_saved:
                        self.note(log)

    async def show_end(self, log: LiveLog, run: RunRecord, title: str | None) -> None:
        """Persist the terminal event of a run, which is held, then publish it.

        With a `title`, which is only given for a short run, the run is finished in the same
        transaction if possible; see `finish`. If the store does not respond within a second, the
        event is published anyway.
        """
        # The store carries out what it was given even if the caller is cancelled, so its result must
        # be known before anything else of this log is saved: a task of its own waits for it.
        ending = self._save_end(log, run, title)
        task = asyncio.create_task(ending)  # noqa: TID251 - `save` waits for its lock
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if log.commits_first else _LONGEST_HOLD):
                    await asyncio.shield(task)
        finally:
            log.show()

    async def _save_end(self, log: LiveLog, run: RunRecord, title: str | None) -> None:
        if title is None or not await self._finish_now(log, run, title):
            await self.save()
            wait = _FIRST_WAIT
            while log.commits_first and not (log.is_saved or log.is_detached or self.closing):
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_HOLD)
                await self.save()

    async def _finish_now(self, log: LiveLog, run: RunRecord, title: str) -> bool:
        """Compact a run whose end is still unsaved. Returns False if it can't be done now."""
        if self._failing or log.last_seq - run.first_seq >= _SHORT_RUN:
            return False
        async with self._saving:
            entries = log.of_run(run.run_id)
            unsaved = log.unsaved.copy()
            others = any(entry.logged.run_id != run.run_id for entry in unsaved)
            if others or log.unconfirmed is not None or log.is_detached or not _is_whole(entries):
                return False
            try:
                if not await self._compact(log, run, entries, title, is_last=log.writers == 1):
                    return False
            except StoreError:
                return False  # `finish` tries again, and logs it.
            _note_saved(log, unsaved)
            if log.is_saved:
                self.forget(log.owner, log.conversation_id)
            log.shrink()
        self._finished.add(run.run_id)
        return True

    def is_finished(self, run_id: str) -> bool:
        """Whether a run was finished with its end. True only once."""
        if run_id not in self._finished:
            return False
        self._finished.discard(run_id)
        return True

    async def finish(
        self, log: LiveLog, run: RunRecord, title: str, known: Sequence[Entry] | None = None
    ) -> bool:
        """Compact an ended run to one event per segment, and index its text for search.

        Also gives an untitled conversation its `title`, and releases reserved numbers that nobody
        needs. `known` has all entries of the run, if the caller has read them. Returns False if this
        cannot be done now; the store counts the run as unfinished until it is.
        """
        await self.save()
        if self.is_finished(run.run_id):
            return True
        if log.is_detached:
            self._unfinished.discard(run.run_id)
            return True
        entries = log.of_run(run.run_id) if known is None else known
        # Later events of a run that has started since may be unsaved.
        if entries and log.unsaved.begins_by(entries[-1].logged.seq):
            return False
        try:
            if not _is_whole(entries):
                entries = await _saved_entries(self._store, run)
            await self._compact(log, run, entries, title, is_last=not log.writers)
        except StoreError:
            # Log once: it may be retried for as long as the server runs.
            if run.run_id not in self._unfinished:
                self._unfinished.add(run.run_id)
                _log.exception("could not compact %s; retrying later", run.run_id)
            return False
        self._unfinished.discard(run.run_id)
        return True

    async def _compact(
        self, log: LiveLog, run: RunRecord, entries: Sequence[Entry], title: str, *, is_last: bool
    ) -> bool:
        """Compact a run. `is_last`: no other run relies on the reserved numbers.

        Returns False if the run is not this replica's any more.
        """
        rewritten = settled([entry.logged for entry in entries])
        for entry, logged in zip(entries, rewritten, strict=True):
            if logged is not entry.logged:
                entry.rewrite(logged)
        text = searchable(entry.logged.event for entry in entries)
        reserved_seq = log.reserved_seq
        through = log.last_seq if is_last else None
        if through is not None:
            # A run that starts now reserves again, after this.
            log.reserved_seq = through
        try:
            return await self._fenced.compact(run, stored(entries), text, title, through)
        except StoreError:
            log.reserved_seq = max(log.reserved_seq, reserved_seq)
            raise

    async def reserve(self, log: LiveLog) -> None:
        """Reserve enough numbers for a run, so that none is ever assigned twice.

        Nobody sees a number of a shared log before its event is committed, so none is reserved.
        """
        if log.commits_first:
            return
        through = reservation(log)
        if through > log.reserved_seq:
            await self._store.reserve(log.owner, log.conversation_id, through)
            log.reserved_seq = through

    async def unreserve(self, log: LiveLog) -> None:
        """Release the reserved numbers that were not assigned."""
        if log.reserved_seq > log.seq and not log.commits_first:
            # A run that starts now reserves again, after this.
            log.reserved_seq = log.seq
            try:
                await self._store.reserve(log.owner, log.conversation_id, log.seq)
            except StoreError:
                _log.exception("could not release the reserved numbers of %s", log.conversation_id)

    def _note_failed(self) -> None:
        # Log once: it is retried several times a second while the disk is full.
        if not self._failing:
            _log.exception("could not save events; they are kept in memory and retried")
        self._failing = True


def _note_saved(log: LiveLog, entries: Sequence[Entry]) -> None:
    if not log.is_detached:
        log.unsaved.note_saved(entries)
        if isinstance(log, SharedLog):
            log.publish()


def reservation(log: LiveLog) -> int:
    """Return the number through which to reserve before a run: the current one if it suffices."""
    if log.reserved_seq - log.last_seq >= RESERVED_AHEAD // 2:
        return log.reserved_seq
    return log.last_seq + RESERVED_AHEAD


def _to_save(log: LiveLog) -> list[Entry]:
    """Return the unsaved entries, without those of a run that the store may not have."""
    start = log.unconfirmed
    if start is None:
        return log.unsaved.copy()
    return [entry for entry in log.unsaved if entry.logged.seq < start.logged.seq]


async def _saved_entries(store: Store, run: RunRecord) -> list[Entry]:
    """Return the entries of a run that the store has."""
    entries: list[Entry] = []
    after = run.first_seq - 1
    # Events after its end belong to other runs.
    while not _has_ended(entries):
        page = await store.read(run.owner, run.conversation_id, after, _PAGE)
        if not page:
            break
        entries += [
            Entry(each.logged, each.first_seq, each.lengths)
            for each in page
            if each.logged.run_id == run.run_id
        ]
        after = page[-1].logged.seq
    return entries


def _is_whole(entries: Sequence[Entry]) -> bool:
    """Whether a run's entries include its start. Old entries are dropped from the front."""
    return bool(entries) and isinstance(entries[0].logged.event, RunStarted)


def _has_ended(entries: Sequence[Entry]) -> bool:
    return bool(entries) and isinstance(entries[-1].logged.event, RunEnded)
