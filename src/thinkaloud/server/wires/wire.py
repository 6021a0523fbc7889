"""The interface of a wire format, which encodes log events as the frames of a protocol.

A wire is stateless and shared; an encoder belongs to one stream and may keep state between its
frames. A wire whose frames depend only on their event is its own encoder, and uses `Entry.frame`
to encode each event only once for all clients.

Any object with this interface works, so other packages can add wires.
"""

from collections.abc import Coroutine, Sequence
from typing import Protocol

from thinkaloud.events.fold import RunFold
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot


class RunLookup(Protocol):
    """Looks up the data for the first and last frame of a run. Implemented by `RunStream`."""

    def fold(self, run_id: str) -> Coroutine[object, object, RunFold | None]:
        """Return the current state of the run."""
        ...

    def record(self, run_id: str) -> Coroutine[object, object, RunRecord | None]:
        """Return the run's record in the store."""
        ...


class Encoder(Protocol):
    """Writes the frames of one stream, in order. It may keep state."""

    def encode(self, entry: Entry, /) -> bytes | None:
        """Return the frame of an event; None if this wire has none for it.

        Called for every event except the first and the last one of a run. An encoder for a byte
        stream (SSE, NDJSON) may return several concatenated frames.
        """
        ...

    def boundary(
        self, entry: Entry, runs: RunLookup, /
    ) -> Coroutine[object, object, Sequence[bytes]]:
        """Return the frames of a run's first or last event (`RunStarted`, `RunEnded`)."""
        ...

    def snapshot(self, snapshot: Snapshot, run_id: str | None, /) -> bytes | None:
        """Return the frame that replaces events that are no longer available individually.

        `run_id` is the followed run; None for a whole conversation. Returns None if the client
        needs no frame and can continue from its own state.
        """
        ...

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        """Return the last frame of a stream whose conversation was deleted."""
        ...


class Wire(Protocol):
    """One wire format, with or without reasoning."""

    @property
    def name(self) -> str:
        """A unique name, also per reasoning policy: encoded frames are cached under it."""
        ...

    def encoder(self) -> Encoder:
        """Return an encoder for a new stream."""
        ...
