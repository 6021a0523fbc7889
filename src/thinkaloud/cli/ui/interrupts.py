"""A run that the terminal waits for: its events one by one, and Ctrl-C."""

import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import FrameType

from thinkaloud.cli.backend.backend import Backend, FollowedRun
from thinkaloud.cli.loop_thread import LoopThread
from thinkaloud.events.event import LoggedEvent
from thinkaloud.runtime.runs.request import RunRequest


class InterruptibleRun:
    """A run and its events, as they come."""

    def __init__(self, loop: LoopThread[Backend]) -> None:
        self.stopping = False
        self._loop = loop
        self._run: FollowedRun | None = None

    def __iter__(self) -> Iterator[LoggedEvent]:
        """Wait for the events of the run, each once, in order; neighbouring deltas may be one."""
        while self._run is not None and (batch := self._loop.wait(self._run.batch())):
            yield from batch

    def follow(self, run: FollowedRun) -> None:
        """Take the run, now that it has started; it is stopped at once where that was asked for."""
        self._run = run
        if self.stopping:
            self.stop()

    def stop(self) -> None:
        """Stop the run and do not wait for its end, which comes as an event."""
        self.stopping = True
        if self._run is not None:
            self._loop.send(self._run.stop())


@contextmanager
def start_run(
    loop: LoopThread[Backend], request: RunRequest, *, include_reasoning: bool
) -> Generator[InterruptibleRun]:
    """Start a run; leaving the block before its end stops it. Raises as `Backend.run`.

    The first Ctrl-C stops the run, also where it is only about to start, and the second leaves
    (`KeyboardInterrupt`).
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
