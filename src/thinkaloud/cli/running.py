"""A run that the terminal waits for: its events one by one, and Ctrl-C."""

import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import FrameType

from thinkaloud.cli.place import FollowedRun, Place
from thinkaloud.cli.session import Session
from thinkaloud.events.event import Recorded
from thinkaloud.runtime.request import RunRequest


class Running:
    """A run and its events, as they come."""

    def __init__(self, session: Session[Place], run: FollowedRun) -> None:
        self.stopping = False
        self._session = session
        self._run = run

    def __iter__(self) -> Iterator[Recorded]:
        """Wait for the events of the run, each once, in order; neighbouring deltas may be one."""
        while batch := self._session.wait(self._run.batch()):
            yield from batch

    def stop(self) -> None:
        """Stop the run and do not wait for its end, which comes as an event."""
        self.stopping = True
        self._session.send(self._run.stop())


@contextmanager
def running(
    session: Session[Place], request: RunRequest, *, include_reasoning: bool
) -> Generator[Running]:
    """Start a run; leaving the block before its end stops it. Raises as `Place.run`.

    The first Ctrl-C stops the run, and the second leaves (`KeyboardInterrupt`).
    """
    run = session.opened.run(request, include_reasoning=include_reasoning)
    followed = Running(session, session.wait(run.__aenter__()))
    try:
        with _stopped_by_ctrl_c(followed):
            yield followed
    finally:
        session.wait(run.__aexit__(None, None, None))


@contextmanager
def _stopped_by_ctrl_c(run: Running) -> Generator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        if run.stopping:
            raise KeyboardInterrupt
        run.stop()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
