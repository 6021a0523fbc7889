"""Selecting another version of a message, with all that followed it."""

from thinkaloud.errors import Conflict, NotFound
from thinkaloud.events.event import VersionSelected
from thinkaloud.events.fold import Fold
from thinkaloud.runtime.conversations.run_stopper import RunStopper
from thinkaloud.runtime.log.hub import Hub


async def selected(conversation_id: str, run_id: str, hub: Hub, active: RunStopper) -> Fold:
    """Select the version that this run is part of, and return the conversation as it is then.

    Nothing changes where the run is on the current path already. Raises `NotFound`, and `Conflict`
    while a run is going on, which would otherwise answer a path that is no longer shown.
    """
    fold = await hub.fold(conversation_id)
    if run_id in fold.runs:
        return fold
    _refuse_if_busy(conversation_id, hub, active)
    if fold.run(run_id) is None:
        raise NotFound("There is no such run in the conversation.")
    async with hub.open(conversation_id) as log:
        await hub.writer.reserve(log)
        # Nothing is awaited between this check and the event: no run begins in between.
        _refuse_if_busy(conversation_id, hub, active)
        if log.deleted:
            raise NotFound("The conversation was deleted.")
        log.append("", VersionSelected(run_id))
        await hub.writer.save()
        return await hub.fold(conversation_id)


def _refuse_if_busy(conversation_id: str, hub: Hub, active: RunStopper) -> None:
    log = hub.live(conversation_id)
    for run_id in active.in_conversation(conversation_id):
        run = None if log is None else log.runs.get(run_id)
        # One whose end was shown may still have to tell its hooks: that is no reason to wait.
        if run is None or run.ended is None:
            raise Conflict(
                "A run is going on in this conversation. Stop it, or wait for its end, and try again."
            )
