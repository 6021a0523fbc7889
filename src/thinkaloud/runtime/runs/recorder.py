"""Records the events of a run, each once and in order, and then calls its hooks."""

from collections.abc import Callable, Sequence
from functools import partial

from thinkaloud.core.approvals.waiting import unresolved
from thinkaloud.core.turn import Finish, Turn
from thinkaloud.events.event import Attachment, Event, RunStarted
from thinkaloud.events.fold import RunFold
from thinkaloud.events.model import ModelEvent, ModelFailed, ModelFinished
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.signal import Signal
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.reasoning.recording import RunReasoning, recording_filter
from thinkaloud.runtime.runs.hooks import HookChain


class RunRecorder:
    """Appends the events of the turn machine to the log, then passes them to the hooks."""

    def __init__(
        self,
        run_id: str,
        log: LiveLog,
        turn: Turn,
        clock: Clock,
        hooks: HookChain,
        reasoning: RunReasoning,
    ) -> None:
        self.turn = turn
        self.clock = clock
        self.hooks = hooks
        self._run_id = run_id
        self._log = log
        self._owner = log.owner
        self.encode_spec: Callable[[], str] = str
        """Returns what a checkpoint has of the run's specification."""
        self.stored = Signal()
        """Set once the store has accepted or refused the run."""
        self._filter = recording_filter(
            reasoning.policy, reasoning.redaction, partial(reasoning.payloads.keep, run_id)
        )
        """What is recorded of the reasoning; None: all of it."""
        self.find_payload = reasoning.payloads.find
        """Finds payloads of this and earlier runs that are not in the log."""

    @property
    def fold(self) -> RunFold:
        """The current state of the run."""
        return self._log.runs[self._run_id]

    def begin(self, event: RunStarted, attachments: tuple[Attachment, ...], *, held: bool) -> None:
        """Append the start of the run, with the content of its files."""
        self._log.append(self._run_id, event, attachments, held=held)

    def append(self, event: Event) -> None:
        """Append an event."""
        for each in self._recorded((event,)):
            self._log.append(self._run_id, each)

    def record(self, batch: Sequence[ModelEvent]) -> int:
        """Append model events up to the end of the call; return the number of characters.

        Followers get the events of a batch together. Only for a run without hooks: see `feed`.
        """
        events, size = self.turn.feed_all(batch, self.clock.steady_ms())
        self._log.extend(self._run_id, self._recorded(events))
        return size

    async def feed(self, batch: Sequence[ModelEvent]) -> int:
        """Like `record`, but call the hooks for each event right after it is appended."""
        if not self.hooks:
            return self.record(batch)
        now_ms = self.clock.steady_ms()
        size = 0
        for said in batch:
            events, characters = self.turn.feed_all((said,), now_ms)
            size += characters
            for event in self._recorded(events):
                self._log.extend(self._run_id, (event,))
                await self.hooks.event(event)
            if isinstance(said, ModelFinished | ModelFailed) or self.turn.failure is not None:
                break
        return size

    def checkpoint(self) -> None:
        """Append what the run is continued from, if it waits."""
        now_ms = self.clock.steady_ms()
        self._log.append(self._run_id, self.turn.checkpoint(self.encode_spec(), now_ms))

    async def until_stored(self) -> None:
        """Wait until the store has accepted or refused the run."""
        await self.stored.wait()

    async def close_segment(self) -> None:
        """Close the open segment, if any, in the middle of a run."""
        for event in self._recorded(self.turn.segments.close(self.clock.steady_ms())):
            self._log.append(self._run_id, event)
            await self.hooks.event(event)

    def end(self, finish: Finish, *, held: bool = False) -> Sequence[Event]:
        """Append and return the closing events, the last one `held`. Idempotent."""
        if not self.turn.ended:
            for event in unresolved(self.fold, self._owner, "stop"):
                self.append(event)
        ending = self._recorded(self.turn.end(finish, self.clock.steady_ms()))
        for event in ending:
            self._log.append(self._run_id, event, held=held and event is ending[-1])
        return ending

    def _recorded(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return what the reasoning policy lets be recorded of events."""
        return events if self._filter is None else self._filter.apply(events)
