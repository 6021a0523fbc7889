"""Counts who watches a conversation, so that a run can stop once nobody does."""

from thinkaloud.ports.signal import Signal


class Watchers:
    """Everybody who follows a conversation or waits for one of its runs."""

    __slots__ = ("_count", "none", "times")

    def __init__(self) -> None:
        self._count = 0
        self.times = 0
        """How often watching began."""
        self.none = Signal(is_set=True)
        """Set while there are no watchers."""

    def enter(self) -> None:
        """Count one more, until `leave`."""
        self._count += 1
        self.times += 1
        self.none.clear()

    def leave(self) -> None:
        """Count one less."""
        self._count -= 1
        if not self._count:
            self.none.set()
