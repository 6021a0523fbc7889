"""What a start does for the runs of a process that died."""

import logging

from thinkaloud.core.recovery import closing, lost
from thinkaloud.errors import UnreadableLog
from thinkaloud.events.event import Event
from thinkaloud.events.fold import RunFold
from thinkaloud.ports.store import Store, Unfinished
from thinkaloud.runtime.finishing import Finisher
from thinkaloud.runtime.hub import Hub

_log = logging.getLogger(__name__)


async def recover(store: Store, hub: Hub, finisher: Finisher) -> None:
    """Finish the runs that were left: closed segments, then `interrupted` (P3), text and title.

    One whose conversation cannot be read is logged and left as it is.
    """
    for unfinished in await store.unfinished_runs():
        try:
            await _finish(unfinished, hub, finisher)
        except UnreadableLog:
            _log.exception("%s stays as its server left it when it died", unfinished.run.run_id)


async def _finish(unfinished: Unfinished, hub: Hub, finisher: Finisher) -> None:
    record = unfinished.run
    fold = await hub.fold(record.conversation_id)
    run = fold.run(record.run_id)
    async with hub.open(record.conversation_id) as log:
        for event in _missing(unfinished, run):
            log.append(record.run_id, event)
        await finisher.finish(log, record)


def _missing(unfinished: Unfinished, run: RunFold | None) -> list[Event]:
    if run is None:
        return lost(unfinished.message)
    return closing(run) if run.ended is None else []
