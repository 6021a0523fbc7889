"""What a start does for the runs of a process that died."""

from thinkaloud.core.recovery import closing, lost
from thinkaloud.events.event import Event
from thinkaloud.events.fold import RunFold
from thinkaloud.ports.store import Store, Unfinished
from thinkaloud.runtime.finishing import Finisher
from thinkaloud.runtime.hub import Hub


async def recover(store: Store, hub: Hub, finisher: Finisher) -> None:
    """Finish the runs that were left: closed segments, then `interrupted` (P3), text and title."""
    for unfinished in await store.unfinished_runs():
        record = unfinished.run
        fold = await hub.fold(record.conversation_id)
        run = fold.runs.get(record.run_id) or fold.replaced.get(record.run_id)
        async with hub.open(record.conversation_id) as log:
            for event in _missing(unfinished, run):
                log.append(record.run_id, event)
            await finisher.finish(log, record)


def _missing(unfinished: Unfinished, run: RunFold | None) -> list[Event]:
    if run is None:
        return lost(unfinished.message)
    return closing(run) if run.ended is None else []
