"""An open agent in a thread of its own: Ctrl-C reaches the terminal's thread, the runs go on."""

import asyncio
import signal
import threading
from collections.abc import Coroutine, Generator, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from types import FrameType, TracebackType
from typing import Final, TypeVar

from thinkaloud.agent import LOCAL_OWNER, Agent
from thinkaloud.app.runtime import Runtime
from thinkaloud.errors import InternalError
from thinkaloud.events.event import Recorded
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.follower import Follower, Snapshot
from thinkaloud.runtime.runs import RunRequest

R = TypeVar("R")

_CLOSING_SECONDS: Final = 3.0


class Session:
    """Opens an agent for the length of a `with` block and runs its coroutines from outside."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._opened: Future[asyncio.AbstractEventLoop] = Future()
        self._closing = asyncio.Event()
        # A daemon: a tool that never returns must not keep the program from ending.
        self._thread = threading.Thread(target=self._live, name="thinkaloud", daemon=True)

    def __enter__(self) -> "Session":
        """Open the agent. Raises as `Agent`."""
        self._thread.start()
        self._opened.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Interrupt what still runs and close the agent, for as long as that may take."""
        if self._thread.is_alive():
            self._opened.result().call_soon_threadsafe(self._closing.set)
            self._thread.join(_CLOSING_SECONDS)

    @property
    def agent(self) -> Agent:
        """The agent. Its coroutines go through `wait`."""
        return self._agent

    @property
    def runtime(self) -> Runtime:
        """Everything that runs."""
        return self._agent.runtime

    def wait(self, work: Coroutine[object, object, R]) -> R:
        """Carry out a coroutine of the agent's, and return what it gives or raise what it raises."""
        future = asyncio.run_coroutine_threadsafe(work, self._opened.result())
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def send(self, work: Coroutine[object, object, object]) -> None:
        """Carry out a coroutine and do not wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._opened.result())

    @contextmanager
    def run(self, request: RunRequest) -> Generator["FollowedRun"]:
        """Start a run; leaving the block before its end stops it.

        Raises as `Runs.start`, before anything is kept.
        """
        record = self.wait(self.runtime.runs.start(LOCAL_OWNER, request))
        async_stack = AsyncExitStack()
        following = self.runtime.runs.follow(record)
        try:
            follower = self.wait(async_stack.enter_async_context(following))
            yield FollowedRun(self, record, follower)
        finally:
            self.wait(async_stack.aclose())
            if record.run_id in self.runtime.runs.active:
                self.wait(self._agent.stop(record.run_id))

    def _live(self) -> None:
        try:
            asyncio.run(self._open())
        except BaseException as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    async def _open(self) -> None:
        async with self._agent:
            self._opened.set_result(asyncio.get_running_loop())
            await self._closing.wait()


class FollowedRun:
    """A run and its events, as they come."""

    def __init__(self, session: Session, record: RunRecord, follower: Follower) -> None:
        self.record = record
        self.stopping = False
        self._session = session
        self._follower = follower

    def __iter__(self) -> Iterator[Recorded]:
        """Wait for the events of the run, each once, in order; neighbouring deltas may be one."""
        while batch := self._session.wait(self._follower.batch(merge=True)):
            if isinstance(batch, Snapshot):
                raise InternalError("The log of a run that was just started has a gap.")
            for entry in batch:
                yield entry.recorded

    def stop(self) -> None:
        """Stop the run and do not wait for its end, which comes as an event."""
        self.stopping = True
        self._session.send(self._session.agent.stop(self.record.run_id))


@contextmanager
def stopped_by_ctrl_c(run: FollowedRun) -> Generator[None]:
    """Let the first Ctrl-C stop the run, and the second leave (`KeyboardInterrupt`)."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        if run.stopping:
            raise KeyboardInterrupt
        run.stop()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
