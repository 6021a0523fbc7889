"""The port that decides which replica executes a run."""

from collections.abc import Sequence
from typing import Protocol

from thinkaloud.ports.store.replicas import Token
from thinkaloud.ports.store.runs import OpenRun, RunState, TakenRun, Unfinished


class RunOwnership(Protocol):
    """Decides which replica executes a run. A run is executed at most once.

    At most one run of a conversation is `running`, `waiting` or `ready`. A replica whose token was
    declared dead gets no run. A method that fails raises `StoreError` and changes nothing.
    """

    async def take(self, token: Token, room: int) -> Sequence[TakenRun]:
        """Take up to `room` runs: `ready` ones, and the first `queued` one of each conversation
        that has no other open run."""
        ...

    async def adopt(self, token: Token) -> Sequence[Unfinished]:
        """Take over a batch of runs that nobody executes any more, oldest first.

        Those of dead replicas, and of a process that used the store alone. They are not executed again: the replica appends what is missing to their end.
        """
        ...

    async def take_stopped(self, token: Token) -> Sequence[Unfinished]:
        """Take queued runs that somebody asked to stop, to append their end.

        Only those whose conversation has no open run that another replica executes: numbers are
        assigned by one replica at a time.
        """
        ...

    async def request_stop(self, owner: str, run_id: str) -> bool:
        """Ask the replica that executes a run, or will, to stop it. False: it has ended, or there
        is none."""
        ...

    async def open_runs(self, owner: str, conversation_id: str) -> Sequence[OpenRun]:
        """List the runs of a conversation that have not ended, oldest first."""
        ...

    async def run_state(self, owner: str, run_id: str) -> RunState | None:
        """Return the state of a run of this owner; None if there is none."""
        ...
