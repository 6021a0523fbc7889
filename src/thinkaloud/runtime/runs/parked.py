"""The runs that wait for a person. Nothing of them is in memory but what they wait for."""

from collections.abc import Iterator

import msgspec

from thinkaloud.events.fold import RunFold
from thinkaloud.events.interaction import ApprovalRequested
from thinkaloud.ports.signal import Signal
from thinkaloud.ports.store import RunRecord


class ParkedRun(msgspec.Struct, frozen=True):
    """A run that waits for a person."""

    record: RunRecord
    key_id: str | None
    """The API key that started it."""
    replaces: str | None
    approvals: tuple[ApprovalRequested, ...]
    """What it waits for, in the order of the calls."""


class ParkedRuns:
    """The runs that wait for a person, and the conversations that they keep in order.

    A conversation is held from the first time that one of its runs waits until that run ends, so
    that the runs behind it don't overtake it.
    """

    def __init__(self) -> None:
        self._runs: dict[str, ParkedRun] = {}
        self._taken: dict[str, Signal] = {}
        self._held: dict[tuple[str, str], tuple[str, Signal]] = {}
        self.changed = Signal()
        """Set when a run has begun to wait, or has stopped waiting."""

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[ParkedRun]:
        return iter(tuple(self._runs.values()))

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._runs

    def get(self, run_id: str) -> ParkedRun | None:
        """Return a run if it waits."""
        return self._runs.get(run_id)

    def add(self, record: RunRecord, run: RunFold, key_id: str | None) -> None:
        """Add a run that begins to wait."""
        approvals = tuple(run.interactions.open)
        parked = ParkedRun(record, key_id, run.started.replaces, approvals)
        self._runs[record.run_id] = parked
        self._taken[record.run_id] = Signal()
        key = (record.owner, record.conversation_id)
        if key not in self._held:
            self._held[key] = (record.run_id, Signal())
        self.changed.set()

    def take(self, run_id: str) -> ParkedRun | None:
        """Remove a run that continues. Its conversation stays held."""
        self.changed.set()
        taken = self._taken.pop(run_id, None)
        if taken is not None:
            taken.set()
        return self._runs.pop(run_id, None)

    async def until_taken(self, run_id: str) -> None:
        """Wait until a run stops waiting."""
        taken = self._taken.get(run_id)
        if taken is not None:
            await taken.wait()

    def release(self, owner: str, conversation_id: str, run_id: str) -> None:
        """Let the runs behind a run begin: it has ended."""
        held = self._held.get((owner, conversation_id))
        if held is not None and held[0] == run_id:
            del self._held[owner, conversation_id]
            held[1].set()

    def is_held(self, owner: str, conversation_id: str, run_id: str) -> bool:
        """Whether a run has to wait for another one of its conversation."""
        held = self._held.get((owner, conversation_id))
        return held is not None and held[0] != run_id

    async def until_released(self, owner: str, conversation_id: str) -> None:
        """Wait until the run that holds a conversation has ended."""
        held = self._held.get((owner, conversation_id))
        if held is not None:
            await held[1].wait()

    def in_conversation(self, owner: str, conversation_id: str) -> list[str]:
        """Return the ids of the runs of a conversation that wait."""
        return [
            each.record.run_id
            for each in self._runs.values()
            if (each.record.owner, each.record.conversation_id) == (owner, conversation_id)
        ]
