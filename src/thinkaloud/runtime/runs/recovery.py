"""Recovers the runs of a process that died, at startup."""

import logging
from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from thinkaloud.core.approvals.waiting import after_restart, is_waiting
from thinkaloud.core.recovery import closing, events_of_lost_run
from thinkaloud.errors import UnreadableLog
from thinkaloud.events.event import Event
from thinkaloud.events.fold import Fold, RunFold
from thinkaloud.ports.store import Store, Unfinished
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.runs.finalizer import Finalizer, ReadRun
from thinkaloud.runtime.runs.parked import ParkedRuns
from thinkaloud.runtime.runs.waiting.continuation import continuation_key

_PAGE: Final = 2_048
_log = logging.getLogger(__name__)


class Recovery(msgspec.Struct, frozen=True):
    """What recovery needs."""

    store: Store
    hub: Hub
    finalizer: Finalizer
    parked: ParkedRuns
    """Gets the runs that wait for a person."""


async def recover(means: Recovery) -> None:
    """Finish unfinished runs: close segments, end as `interrupted` (P3), compact, set the title.

    A run that waits for a person keeps waiting; only what else it was doing ends.
    Conversations are processed one at a time and read once each. One that cannot be read is
    logged and left unchanged.
    """
    await end_runs(await means.store.unfinished_runs(), means)


async def end_runs(unfinished_runs: Sequence[Unfinished], means: Recovery) -> None:
    """Finish these runs, which nobody executes. Those that were to be stopped end as stopped."""
    left: dict[tuple[str, str], list[Unfinished]] = {}
    for unfinished in unfinished_runs:
        run = unfinished.run
        left.setdefault((run.owner, run.conversation_id), []).append(unfinished)
    for (owner, conversation_id), runs in left.items():
        try:
            await _finish(owner, conversation_id, runs, means)
        except UnreadableLog:
            ids = ", ".join(each.run.run_id for each in runs)
            _log.exception("could not recover %s: %s", conversation_id, ids)


async def _finish(
    owner: str,
    conversation_id: str,
    left: Sequence[Unfinished],
    means: Recovery,
) -> None:
    store, hub = means.store, means.hub
    async with hub.open(owner, conversation_id) as log:
        async with hub.writing(log):
            fold, entries = await _read(store, log, {each.run.run_id for each in left})
            # Append to all runs before saving: one commit instead of one per run.
            for each in left:
                entries[each.run.run_id] += _ended(each, fold, log)
            await hub.writer.save()
        # Others may be appending to a shared log.
        if not log.is_saved and not log.commits_first:
            return  # The writer retries the events; the next start compacts the runs.
        for each in left:
            run_id = each.run.run_id
            waiting = fold.tree.all.get(run_id)
            if waiting is not None and is_waiting(waiting):
                means.parked.add(each.run, waiting, continuation_key(waiting))
                continue
            read = ReadRun(entries.pop(run_id), fold.runs.get(run_id))
            await means.finalizer.finish_read(log, each.run, read)


async def _read(
    store: Store, log: LiveLog, run_ids: Collection[str]
) -> tuple[Fold, dict[str, list[Entry]]]:
    """Read a conversation, and collect the entries of these runs."""
    fold = Fold(log.conversation_id)
    entries: dict[str, list[Entry]] = {run_id: [] for run_id in run_ids}
    while page := await store.read(log.owner, log.conversation_id, fold.seq, _PAGE):
        for stored in page:
            logged = stored.logged
            fold.apply(logged)
            if logged.run_id in entries:
                entries[logged.run_id].append(Entry(logged, stored.first_seq, stored.lengths))
    return fold, entries


def _ended(unfinished: Unfinished, fold: Fold, log: LiveLog) -> list[Entry]:
    """Append the missing events of a run and return their entries."""
    run_id = unfinished.run.run_id
    run = fold.run(run_id)
    before = log.last_seq
    for event in _missing(unfinished, run):
        fold.apply(log.append(run_id, event))
    return log.unsaved.after(before)


def _missing(unfinished: Unfinished, run: RunFold | None) -> list[Event]:
    if run is None:
        return events_of_lost_run(unfinished.message, stopped=unfinished.stopping)
    if run.ended is not None:
        return []
    if is_waiting(run) and not unfinished.stopping:
        return after_restart(run)
    return closing(run, unfinished.run.owner, stopped=unfinished.stopping)
