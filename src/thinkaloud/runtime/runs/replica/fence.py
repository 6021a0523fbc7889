"""What the log's writer learns about this replica when it appends."""

from collections.abc import Collection

from thinkaloud.ports.signal import Signal
from thinkaloud.ports.store import Appended, Token
from thinkaloud.runtime.runs.active import ActiveRuns
from thinkaloud.runtime.runs.replica.membership import Membership


class ReplicaFence:
    """Passes the writer the token, and keeps what it learns for the dispatcher."""

    def __init__(self, membership: Membership, active: ActiveRuns) -> None:
        self.arrived = Signal()
        """Set when runs were lost, or are to stop."""
        self._membership = membership
        self._active = active
        self._lost: set[str] = set()
        self._stopping: set[str] = set()

    @property
    def token(self) -> Token | None:
        """The fencing token of this replica."""
        return self._membership.token

    def running(self) -> Collection[str]:
        """Return the active runs that other replicas see."""
        return [run.spec.run_id for run in self._active if run.log.commits_first]

    def note(self, appended: Appended) -> None:
        """Keep which runs were lost or are to stop."""
        self._lost.update(appended.lost)
        self._stopping.update(appended.stopping)
        self.arrived.set()

    def note_fenced(self) -> None:
        """Note that this replica was declared dead."""
        self._membership.note_fenced()

    def take(self) -> tuple[Collection[str], Collection[str]]:
        """Return the runs that were lost, and those that are to stop, and forget them."""
        lost, self._lost = self._lost, set()
        stopping, self._stopping = self._stopping, set()
        self.arrived.clear()
        return lost, stopping
