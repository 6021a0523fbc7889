"""What a wire format is: the events of the log as the frames that one protocol defines.

A wire is stateless and shared; an encoder belongs to one stream and may keep state between its
frames. A wire whose frames depend on nothing but their event is its own encoder, and encodes
through `Entry.frame`, so that each event is encoded once however many clients follow.

Any object of this shape can be used: a package can bring a wire without changing this one.
"""

from collections.abc import Coroutine, Sequence
from typing import Protocol

from thinkaloud.events.fold import RunFold
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.log.live_log import Entry


class RunLookup(Protocol):
    """Looks up what the first and the last frame of a run need. `RunStream` does."""

    def fold(self, run_id: str) -> Coroutine[object, object, RunFold | None]:
        """Return the run as it stands."""
        ...

    def record(self, run_id: str) -> Coroutine[object, object, RunRecord | None]:
        """Return what the store knows about the run."""
        ...


class Encoder(Protocol):
    """Writes the frames of one stream, in order. It may keep state."""

    def encode(self, entry: Entry, /) -> bytes | None:
        """Return the frame of an event; None if this wire has none for it.

        Called for every event except the first and the last one of a run. Several frames of a
        stream of bytes (SSE, NDJSON) may be returned as one.
        """
        ...

    def boundary(
        self, entry: Entry, runs: RunLookup, /
    ) -> Coroutine[object, object, Sequence[bytes]]:
        """Return the frames of a run's first or last event (`RunStarted`, `RunEnded`)."""
        ...

    def snapshot(self, snapshot: Snapshot, run_id: str | None, /) -> bytes | None:
        """Return the frame that replaces events which the log no longer has one by one.

        `run_id` is the run that is followed; None for a whole conversation. None is returned if
        the client needs no frame: it goes on from its own state.
        """
        ...

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        """Return the last frame of a stream whose conversation was deleted."""
        ...


class Wire(Protocol):
    """One wire format, with or without reasoning."""

    @property
    def name(self) -> str:
        """Tells it apart from all other wires, policy included: frames are shared by this name."""
        ...

    def encoder(self) -> Encoder:
        """Return the encoder of a new stream."""
        ...
