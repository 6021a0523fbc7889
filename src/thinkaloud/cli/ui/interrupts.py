"""A run that Ctrl-C can stop."""

import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import FrameType

from thinkaloud.cli.backend.backend import Backend, FollowedRun
from thinkaloud.cli.loop_thread import LoopThread
from thinkaloud.events.event import LoggedEvent
from thinkaloud.runtime.runs.request import RunRequest


class InterruptibleRun:
    """Iterates over the events of a run as they arrive."""

    def __init__(self, loop: LoopThread[Backend]) -> None:
        self.stopping = False
        self._loop = loop
        self._run: FollowedRun | None = None

    def __iter__(self) -> Iterator[LoggedEvent]:
        """Yield the events of the run, in order. Adjacent deltas may be merged."""
        while self._run is not None and (batch := self._loop.wait(self._run.batch())):
            yield from batch

    def follow(self, run: FollowedRun) -> None:
        """Set the run once it has started. Stops it at once if `stop` was called before."""
        self._run = run
        if self.stopping:
            self.stop()

    def stop(self) -> None:
        """Stop the run without waiting. Its terminal event still arrives."""
        self.stopping = True
        if self._run is not None:
            self._loop.send(self._run.stop())


@contextmanager
def start_run(
    loop: LoopThread[Backend], request: RunRequest, *, include_reasoning: bool
) -> Generator[InterruptibleRun]:
    """Start a run; leaving the block before its end stops it. Raises as `Backend.run`.

    The first Ctrl-C stops the run, even while it is starting. The second raises
    `KeyboardInterrupt`.
    """
    run = loop.resource.run(request, include_reasoning=include_reasoning)
    followed = InterruptibleRun(loop)
    with _stop_on_interrupt(followed):
        followed.follow(loop.wait(run.__aenter__()))
        try:
            yield followed
        finally:
            loop.wait(run.__aexit__(None, None, None))


@contextmanager
def _stop_on_interrupt(run: InterruptibleRun) -> Generator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        if run.stopping:
            raise KeyboardInterrupt
        run.stop()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
