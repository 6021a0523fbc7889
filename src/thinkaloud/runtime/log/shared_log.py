"""The log of a conversation that other replicas see too."""

from collections.abc import Callable, Sequence

from typing_extensions import override

from thinkaloud.ports.clock import Clock
from thinkaloud.ports.store import LogEnd, Stored
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.log.waiting import WaitingFollowers

KEPT_TAIL = 2_048
"""How many events of other replicas are kept in memory for all followers."""


class SharedLog(LiveLog):
    """A log that publishes what is committed, and events that other replicas append.

    While a run is executed here, its events are entries of the log, as in any log. Those of other
    replicas are only in the store, and below `floor`; the latest are in `tail`, so that followers
    don't read them one by one.
    """

    commits_first = True

    def __init__(
        self,
        owner: str,
        conversation_id: str,
        end: LogEnd,
        clock: Clock,
        changed: Callable[[LiveLog], None],
    ) -> None:
        super().__init__(owner, conversation_id, end, clock, changed)
        self.waiting = self._committed = _FollowersOfCommitted()
        self.identity: str | None = None
        """Identifies the conversation in the store; None: there is none, as far as is known."""
        self._tail: list[Stored] = []

    @property
    @override
    def seq(self) -> int:
        """The number of the last committed event."""
        if self.unsaved:
            return self.unsaved[0].logged.seq - 1
        return super().seq

    def publish(self) -> None:
        """Wake the followers: events were committed."""
        self._committed.wake_now()

    def receive(self, events: Sequence[Stored]) -> None:
        """Take events of another replica, which follow the last one."""
        begins_anew = self.last_seq > self._floor or events[0].first_seq <= self._floor
        if begins_anew or len(self._tail) + len(events) > KEPT_TAIL:
            self._tail.clear()
        self._tail += events
        self._restart(events[-1].logged.seq)
        self.lost = range(0)
        self.runs.clear()
        self.publish()

    def move_to(self, end: LogEnd) -> None:
        """Continue after the end of the log in the store."""
        self._tail.clear()
        self._restart(max(end.last_seq, end.reserved_seq))
        self.lost = range(end.last_seq + 1, self._floor)
        self.publish()

    def recent(self, after: int, limit: int) -> Sequence[Stored] | None:
        """Return events of other replicas above `after`; None if they are only in the store."""
        if not self._tail or after < self._tail[0].first_seq - 1:
            return None
        return [each for each in self._tail if each.logged.seq > after][:limit]

    @override
    def show(self) -> None:
        super().show()
        self.publish()

    @override
    def close(self) -> None:
        super().close()
        self.publish()

    def discard(self) -> None:
        """Forget what is not committed. Followers end, and have to begin again."""
        self.is_detached = True
        committed = self.seq
        del self._entries[self._index_after(committed) :]
        self._last_seq = committed
        self._held = self.unconfirmed = None
        self.unsaved.clear()
        self.shown.set()
        self.close()

    def _restart(self, last_seq: int) -> None:
        """Drop all entries, and continue after this number."""
        self._entries.clear()
        self._merged.clear()
        self._condensed = 0
        self._floor = self._last_seq = last_seq


class _FollowersOfCommitted(WaitingFollowers):
    """Followers that are woken when events are committed, not when they are appended."""

    @override
    def wake(self) -> None:
        """Do nothing: the event is not committed yet."""

    @override
    def push(
        self, entries: Sequence[Entry], merge: Callable[[Sequence[Entry]], Sequence[Entry]]
    ) -> None:
        """Do nothing: the events are not committed yet."""

    def wake_now(self) -> None:
        """Wake all of them."""
        super().wake()
