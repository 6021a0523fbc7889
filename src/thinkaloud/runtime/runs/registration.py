"""Stores new runs. A run may begin while it is being stored, but nothing of it is published."""

import asyncio

import msgspec

from thinkaloud.errors import NotFound, Unavailable
from thinkaloud.events.event import RunStarted
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.store import Conversation, RunRecord, RunStart, Store
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.log.writer import reservation
from thinkaloud.runtime.runs.active import ActiveRuns
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.runtime.runs.run import Run, RunSpec


class Registration:
    """Stores new runs with their conversations and reserved numbers, in one transaction each."""

    def __init__(self, store: Store, hub: Hub, active: ActiveRuns, clock: Clock) -> None:
        self._store = store
        self._hub = hub
        self._active = active
        self._clock = clock

    def prepare(self, spec: RunSpec, request: RunRequest, log: LiveLog) -> RunStart:
        """Return what to store for a run."""
        owner, name, now_ms = spec.owner, spec.conversation_id, self._clock.unix_ms()
        return RunStart(
            RunRecord(spec.run_id, name, owner, log.seq + 1, request.idempotency_key),
            Conversation(
                name,
                owner,
                now_ms,
                now_ms,
                temporary=request.temporary,
                unlisted=request.unlisted,
            ),
            without_attachments(spec.started),
            reservation(log),
        )

    async def store(self, start: RunStart, log: LiveLog) -> None:
        """Store a run.

        Raises `NotFound` if the conversation was deleted, and `StoreError`.
        """
        accepted = await self._store.accept(start)
        if log.deleted:
            if accepted.created:
                await self._delete(log)
            raise NotFound("The conversation was deleted.")
        log.reserved_seq = max(log.reserved_seq, start.reserved_seq)

    async def confirm(self, run: Run, start: RunStart, log: LiveLog) -> None:
        """Store a run that has begun, then publish it. If that fails, remove every trace of it.

        The error is then the run's `refusal`.
        """
        try:
            await self.store(start, log)
            # However long that took, no number is published before it is reserved.
            while log.last_seq > log.reserved_seq:
                await self._hub.writer.reserve(log)
        except asyncio.CancelledError:
            run.refuse(Unavailable("The server is shutting down and accepts no new runs."))
            raise
        except Exception as error:  # noqa: BLE001 - `Runs.start` raises it
            run.refusal = error
            await self._active.cancel(run)
            run.refuse(error)
        else:
            run.confirm()

    async def _delete(self, log: LiveLog) -> None:
        """Delete a conversation that was deleted before, and came back with this run."""
        with self._hub.reader.deleting():
            await self._store.delete_conversation(log.owner, log.conversation_id)
            self._hub.forget(log.owner, log.conversation_id)


def without_attachments(message: RunStarted) -> RunStarted:
    """Return the first event of a run, as it is stored until the run is finished."""
    # Their content is stored elsewhere, and the run's log includes them once it starts.
    return msgspec.structs.replace(message, attachments=())
