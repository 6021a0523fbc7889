"""What a start does for the runs of a process that died."""

from thinkaloud.core.recovery import closing, lost
from thinkaloud.ports.store import Store
from thinkaloud.runtime.hub import Hub


async def recover(store: Store, hub: Hub) -> None:
    """End the runs that were left open: closed segments, then `interrupted` (P3)."""
    for record in await store.open_runs():
        fold = (await hub.fold(record.conversation_id)).runs.get(record.run_id)
        async with hub.open(record.conversation_id) as log:
            for event in lost() if fold is None else closing(fold):
                log.append(record.run_id, event)
            await hub.saver.finish(log, record)
