"""Frames for one client: a run stream, encoded in batches for its wire."""

import asyncio
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final

from typing_extensions import override

from thinkaloud.errors import InternalError
from thinkaloud.events.event import IterationStarted, Notice, RunEnded, RunError, RunStarted
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.run_stream import RunStream
from thinkaloud.server.streams.backpressure import WriteNow
from thinkaloud.server.wires.wire import Encoder, RunLookup, Wire

_QUIET: Final = (RunStarted, IterationStarted, Notice)
"""Events before the first output."""
_PIECE: Final = 65_536
"""Maximum bytes to encode ahead of a slow client (plus one frame)."""
_NONE: Final[deque[Entry]] = deque(maxlen=0)


class FrameStream:
    """The frames for one client, in order.

    While `next` waits, the frames of new events are passed to its `write_now` instead.
    """

    def __init__(self, stream: RunStream, encoder: Encoder) -> None:
        self._stream = stream
        self._encoder = encoder
        self._entries = _NONE
        self._over = False
        self._write_now: WriteNow = _refuse

    async def next(self, write_now: WriteNow | None = None) -> Sequence[bytes]:
        """Wait for the next frames and return some of them; empty means the end."""
        push = None
        if write_now is not None:
            self._write_now = write_now
            push = self._push
        while not self._over:
            if not self._entries:
                batch = await self._stream.batch(push=push)
                if isinstance(batch, Snapshot):
                    frame = self._encoder.snapshot(batch, self._stream.run_id)
                    if frame is not None:
                        return [frame]
                    continue
                if not batch:
                    return self._last()
                self._entries = deque(batch)
            frames = await take_frames(self._entries, self._encoder, self._stream, _PIECE)
            if not self._entries:
                self._entries = _NONE  # An empty deque takes as much memory as a filled one.
            if frames:
                return frames
        return ()

    async def opened(self, seconds: float) -> RunError | None:
        """Wait until the run has output, has ended, or for `seconds`.

        Returns the error of a run that failed without output: it can still be sent with a status of
        its own. Call it before the first `next`.
        """
        try:
            async with asyncio.timeout(seconds):
                while True:
                    batch = await self._stream.batch()
                    if isinstance(batch, Snapshot):
                        raise InternalError("The log of a run that was just started has a gap.")
                    if not batch:
                        return None
                    self._entries = deque((*self._entries, *batch))
                    for entry in batch:
                        event = entry.logged.event
                        if isinstance(event, RunEnded):
                            return event.error
                        if not isinstance(event, _QUIET):
                            return None
        except TimeoutError:
            return None

    def _push(self, entries: Sequence[Entry]) -> bool:
        if len(entries) == 1:
            frame = self._encoder.encode(entries[0])
            return self._write_now(() if frame is None else (frame,))
        return self._write_now(frames_now(entries, self._encoder))

    def _last(self) -> Sequence[bytes]:
        self._over = True
        stream = self._stream
        if not stream.deleted:
            return ()
        frame = self._encoder.deleted(stream.conversation_id, stream.run_id)
        return () if frame is None else [frame]


def _refuse(frames: Sequence[bytes]) -> bool:
    return False


def frames_now(entries: Sequence[Entry], encoder: Encoder) -> Sequence[bytes]:
    """Return the frames of entries that are neither the first nor the last one of a run."""
    encode = encoder.encode
    return [frame for entry in entries if (frame := encode(entry)) is not None]


async def take_frames(
    entries: deque[Entry], encoder: Encoder, runs: RunLookup, max_bytes: int = sys.maxsize
) -> list[bytes]:
    """Pop entries until their frames reach `max_bytes`, and return the frames."""
    frames: list[bytes] = []
    size = 0
    while entries and size < max_bytes:
        entry = entries.popleft()
        kind = type(entry.logged.event)
        if kind is RunEnded or kind is RunStarted:
            rare = await encoder.boundary(entry, runs)
            frames.extend(rare)
            size += sum(map(len, rare))
            continue
        frame = encoder.encode(entry)
        if frame is not None:
            frames.append(frame)
            size += len(frame)
    return frames


def frames_of(
    following: AbstractAsyncContextManager[RunStream], wire: Wire
) -> AbstractAsyncContextManager[FrameStream]:
    """Open a run stream as encoded frames. Entering it raises whatever opening it raises."""
    return _FramesOf(following, wire)


class _FramesOf(AbstractAsyncContextManager[FrameStream]):
    __slots__ = ("_following", "_wire")

    def __init__(self, following: AbstractAsyncContextManager[RunStream], wire: Wire) -> None:
        self._following = following
        self._wire = wire

    @override
    async def __aenter__(self) -> FrameStream:
        return FrameStream(await self._following.__aenter__(), self._wire.encoder())

    @override
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._following.__aexit__(exc_type, exc_value, traceback)
