"""The port for accepting runs and looking them up."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from thinkaloud.events.event import RunStarted
from thinkaloud.ports.store.conversations import Conversation
from thinkaloud.ports.store.replicas import Token
from thinkaloud.ports.store.runs import RunRecord, Unfinished

Outcome = Literal["running", "queued", "repeated", "full", "replacing"]
"""What became of a run. `running`: the replica that accepted it executes it. `queued`: it waits for a replica.
Otherwise nothing was stored: its key was used before (`repeated`), too many runs are open in its
conversation (`full`), or another open run replaces the same one (`replacing`)."""


class RunStart(msgspec.Struct, frozen=True, gc=False):
    """What is stored when a run is accepted."""

    run: RunRecord
    conversation: Conversation
    """Created if it doesn't exist. If it does, only its `updated_at_ms` changes."""
    message: RunStarted | None = None
    """The first event of the run, stored until it is finished."""
    reserved_seq: int = 0
    """Numbers up to this one may be assigned."""
    spec: bytes = b""
    """All that another replica needs to execute the run."""
    replaces: str | None = None
    """The run that it replaces. For a replica, only one open run may replace it."""
    ahead: int | None = None
    """For a replica: how many open runs of the conversation may be ahead of it. None: any number."""


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """What a store did with a new run."""

    outcome: Outcome
    run: RunRecord
    """The run as stored; with `repeated`, the first run with its key."""
    created: bool = False
    """Whether its conversation was created with it."""


class RunStore(Protocol):
    """Stores runs. Another owner's read as missing: None, not an error.

    A method that fails raises `thinkaloud.errors.StoreError` and changes nothing.
    """

    async def accept(
        self, start: RunStart, token: Token | None = None, *, take: bool = True
    ) -> Accepted:
        """Store a new run, its conversation and its reserved numbers atomically.

        Never lowers `reserved_seq`, and leaves a run with the same id unchanged. An owner's
        idempotency key belongs to the first run with it. With the token of a replica, the run's
        `first_seq` is that of the next event, and it is `running` only if the replica may `take` it
        and no other run of its conversation is open. Without one, it always is: for the only process
        that uses the store, which decides by itself when a run starts.
        """
        ...

    async def run(self, owner: str, run_id: str) -> RunRecord | None:
        """Look up a run of this owner."""
        ...

    async def run_for_key(self, owner: str, idempotency_key: str) -> RunRecord | None:
        """Look up the run created by the first request with this key."""
        ...

    async def unfinished_runs(self) -> Sequence[Unfinished]:
        """List the runs of all owners not compacted with their terminal event, oldest first.

        Some have a terminal event in the log, others don't. A shared store lists only the former:
        the others are queued, or executed by a replica.
        """
        ...
