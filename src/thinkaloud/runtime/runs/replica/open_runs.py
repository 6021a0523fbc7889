"""Which runs are open, on this replica or another one."""

from collections.abc import Sequence

from thinkaloud.ports.store import RunRecord, Store
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.runs.active import ActiveRuns


class OpenRuns:
    """Finds, awaits and stops runs that have not ended, whichever replica executes them.

    Where no other replica can, the answer is in memory and costs no I/O.
    """

    def __init__(self, store: Store, hub: Hub, active: ActiveRuns) -> None:
        self._store = store
        self._hub = hub
        self._active = active

    async def is_open(self, record: RunRecord) -> bool:
        """Whether a run has not ended."""
        if record.run_id in self._active:
            return True
        if not self._store.shares(record.owner, record.conversation_id):
            return False
        state = await self._store.run_state(record.owner, record.run_id)
        return state is not None and state != "ended"

    async def appends_to(self, record: RunRecord, log: LiveLog) -> bool:
        """Whether a run has not ended, and this is its log."""
        if self._active.appends_to(record.run_id, log):
            return True
        # While its conversation is deleted, a run may be active whose log is gone already.
        if not log.commits_first or log.is_detached:
            return False
        if await self.is_open(record):
            return True
        # It may have ended after the log was read: then its last events are still to be read.
        await self._hub.read_to_end(log)
        return False

    async def in_conversation(self, owner: str, conversation_id: str) -> Sequence[str]:
        """Return the ids of the open runs of a conversation, oldest first."""
        if not self._store.shares(owner, conversation_id):
            return self._active.in_conversation(owner, conversation_id)
        found = await self._store.open_runs(owner, conversation_id)
        return [each.run.run_id for each in found]

    async def wait(self, record: RunRecord, *, or_waiting: bool = False) -> None:
        """Wait for a run to end. Cancelling the wait does not affect it.

        With `or_waiting`, return as soon as it waits for a person, too, if this replica has it.
        """
        if record.run_id in self._active:
            await self._active.wait(record.run_id, or_waiting=or_waiting)
            if record.run_id in self._active.parked:
                return
        while await self.is_open(record):
            # Its end is the last of its events, unless this replica loses the log in between.
            async with (
                self._hub.open(record.owner, record.conversation_id) as log,
                self._hub.follow(
                    record.owner, record.conversation_id, log.seq, record.run_id
                ) as follower,
            ):
                if await self.is_open(record):
                    while await follower.batch():
                        continue

    async def stop_by_id(self, owner: str, run_id: str) -> None:
        """Stop a run and wait for its end. Does nothing if there is none."""
        if run_id in self._active:
            await self._active.stop(run_id)
        else:
            record = await self._store.run(owner, run_id)
            if record is not None:
                await self.stop(record)

    async def stop(self, record: RunRecord) -> None:
        """Stop a run and wait for its end. Does nothing if it has ended."""
        if record.run_id in self._active:
            await self._active.stop(record.run_id)
        elif self._store.shares(record.owner, record.conversation_id) and (
            await self._store.request_stop(record.owner, record.run_id)
        ):
            await self.wait(record)
