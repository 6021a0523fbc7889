"""Replicas and the runs that they execute, in memory."""

from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.errors import Fenced
from thinkaloud.ports.store import (
    OpenRun,
    Replica,
    ReplicaCounts,
    RunState,
    TakenRun,
    Token,
    Unfinished,
)
from thinkaloud.stores.local_hints import LocalHints
from thinkaloud.stores.memory.tables import RunRow, Tables

_ADOPTED_AT_ONCE: Final = 20


class MemoryReplicas:
    """Implements `Replicas`."""

    def __init__(self, tables: Tables, hints: LocalHints) -> None:
        self._tables = tables
        self._hints = hints

    async def register(self, name: str, version: str, now_ms: int) -> Token:
        """Add a replica, and return its token."""
        self._tables.tokens += 1
        token = Token(self._tables.tokens)
        self._tables.replicas[token] = Replica(token, name, version, now_ms)
        return token

    async def beat(self, token: Token, counts: ReplicaCounts) -> bool:
        """Increment the beat of a replica, unless it was declared dead."""
        replica = self._tables.replicas.get(token)
        if replica is None:
            return False
        beaten = msgspec.structs.replace(replica, beat=replica.beat + 1, counts=counts)
        self._tables.replicas[token] = beaten
        return True

    async def replicas(self) -> Sequence[Replica]:
        """List the replicas that were not declared dead, by token."""
        return list(self._tables.replicas.values())

    async def reap(self, token: Token, beat: int) -> bool:
        """Declare a replica dead, unless its beat has changed since."""
        replica = self._tables.replicas.get(token)
        if replica is None or replica.beat != beat:
            return False
        await self.retire(token)
        return True

    async def drain(self, token: Token) -> None:
        """Give a replica no more runs."""
        replica = self._tables.replicas.get(token)
        if replica is not None:
            self._tables.replicas[token] = msgspec.structs.replace(replica, state="draining")

    async def retire(self, token: Token) -> None:
        """Remove a replica that stops."""
        if self._tables.replicas.pop(token, None) is not None:
            self._hints.publish(runs=True)


class MemoryOwnership(MemoryReplicas):
    """Implements `RunOwnership`."""

    async def take(self, token: Token, room: int) -> Sequence[TakenRun]:
        """Take `ready` runs, and `queued` ones whose conversation has no other open run before."""
        replica = self._tables.replicas.get(token)
        if replica is None:
            raise Fenced
        taken: list[TakenRun] = []
        if replica.state == "draining":
            return taken
        for run in self._tables.runs.values():
            if len(taken) >= room:
                break
            if run.state == "ready" or (run.state == "queued" and self._is_next(run)):
                self._give(run, token)
                taken.append(TakenRun(run.record, run.spec, run.stopping))
        return taken

    async def adopt(self, token: Token) -> Sequence[Unfinished]:
        """Take over a batch of runs that nobody executes any more, oldest first."""
        if token not in self._tables.replicas:
            raise Fenced
        left = [
            run
            for run in self._tables.runs.values()
            if run.state == "running" and run.token not in self._tables.replicas
        ][:_ADOPTED_AT_ONCE]
        for run in left:
            run.token = token
        return [Unfinished(run.record, run.message, run.stopping) for run in left]

    async def take_stopped(self, token: Token) -> Sequence[Unfinished]:
        """Take queued runs that somebody asked to stop, to append their end."""
        if token not in self._tables.replicas:
            raise Fenced
        found = [
            run
            for run in self._tables.runs.values()
            if run.state == "queued" and run.stopping and self._may_end(run, token)
        ]
        for run in found:
            self._give(run, token)
        return [Unfinished(run.record, run.message, stopping=True) for run in found]

    async def request_stop(self, owner: str, run_id: str) -> bool:
        """Ask the replica that executes a run, or will, to stop it."""
        run = self._tables.runs.get(run_id)
        if run is None or run.record.owner != owner or not run.is_open:
            return False
        run.stopping = True
        self._hints.publish(runs=True)
        return True

    async def open_runs(self, owner: str, conversation_id: str) -> Sequence[OpenRun]:
        """List the runs of a conversation that have not ended, oldest first."""
        return [
            OpenRun(run.record, run.state, run.stopping)
            for run in self._tables.runs_of((owner, conversation_id))
            if run.is_open
        ]

    async def run_state(self, owner: str, run_id: str) -> RunState | None:
        """Return the state of a run of this owner."""
        run = self._tables.runs.get(run_id)
        return None if run is None or run.record.owner != owner else run.state

    def _is_next(self, run: RunRow) -> bool:
        """Whether no run of its conversation is open but queued ones after it."""
        first = next(each for each in self._tables.runs_of(run.key) if each.is_open)
        others = [each for each in self._tables.runs_of(run.key) if each.state != "queued"]
        return first is run and not any(each.is_open for each in others)

    def _may_end(self, run: RunRow, token: Token) -> bool:
        """Whether no other replica executes a run of its conversation."""
        others = [each for each in self._tables.runs_of(run.key) if each.state != "queued"]
        return not any(each.is_open and each.token != token for each in others)

    def _give(self, run: RunRow, token: Token) -> None:
        run.state, run.token = "running", token
        first_seq = self._tables.threads[run.key].last_seq + 1
        run.record = msgspec.structs.replace(
            run.record, first_seq=max(run.record.first_seq, first_seq)
        )
