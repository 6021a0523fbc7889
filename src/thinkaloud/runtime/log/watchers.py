"""Counts who watches a conversation, so that a run can stop once nobody does."""

from thinkaloud.ports.signal import Signal


class Watchers:
    """Everybody who follows a conversation or waits for one of its runs."""

    __slots__ = ("count", "none", "times")

    def __init__(self) -> None:
        self.count = 0
        """How many there are."""
        self.times = 0
        """How often watching began."""
        self.none = Signal(is_set=True)
        """Set while there are no watchers."""

    def enter(self) -> None:
        """Count one more, until `leave`."""
        self.count += 1
        self.times += 1
        self.none.clear()

    def leave(self) -> None:
        """Count one less."""
        self.count -= 1
        if not self.count:
            self.none.set()
