"""Selects another version of a message, with the runs that followed it."""

from typing import Final

from thinkaloud.errors import Conflict, NotFound
from thinkaloud.events.event import VersionSelected
from thinkaloud.events.fold import Fold
from thinkaloud.runtime.conversations.run_stopper import RunStopper
from thinkaloud.runtime.log.hub import Hub

_BUSY: Final = (
    "A run is active in this conversation. Stop it or wait for it to end, then try again."
)


async def selected(
    owner: str, conversation_id: str, run_id: str, hub: Hub, active: RunStopper
) -> Fold:
    """Select the version that this run is part of and return the updated conversation.

    Does nothing if the run is on the current path. Raises `NotFound`, and `Conflict` while a run
    is active, because it would answer a path that is no longer shown.
    """
    fold = await hub.fold(owner, conversation_id)
    if run_id in fold.runs:
        return fold
    await _refuse_if_busy(owner, conversation_id, hub, active)
    if fold.run(run_id) is None:
        raise NotFound("The conversation has no such run.")
    async with hub.open(owner, conversation_id) as log:
        if log.commits_first:
            if not await hub.append_between_runs(log, VersionSelected(run_id)):
                raise Conflict(_BUSY)
            return await hub.fold(owner, conversation_id)
        log.writers += 1
        try:
            await hub.writer.reserve(log)
            # Nothing suspends between this check and the event, so no run can start in between.
            await _refuse_if_busy(owner, conversation_id, hub, active)
            if log.deleted:
                raise NotFound("The conversation was deleted.")
            log.append("", VersionSelected(run_id))
        finally:
            log.writers -= 1
        await hub.writer.save()
        return await hub.fold(owner, conversation_id)


async def _refuse_if_busy(owner: str, conversation_id: str, hub: Hub, active: RunStopper) -> None:
    log = hub.live(owner, conversation_id)
    for run_id in await active.in_conversation(owner, conversation_id):
        run = None if log is None else log.runs.get(run_id)
        # A run whose end was published may still be running its hooks: no reason to wait.
        if run is None or run.ended is None:
            raise Conflict(_BUSY)
