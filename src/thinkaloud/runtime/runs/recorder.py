"""What a run writes down: every event once, in order, and then its hooks are told."""

from collections.abc import Sequence

from thinkaloud.core.turn import Finish, Turn
from thinkaloud.events.event import Attachment, Event, RunStarted
from thinkaloud.events.fold import RunFold
from thinkaloud.events.model import (
    AnswerText,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    ReasoningText,
    ToolCall,
)
from thinkaloud.ports.clock import Clock
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.runs.hooks import HookChain


class RunRecorder:
    """The pen of one run: what the turn machine says goes to the log, then to the hooks."""

    def __init__(
        self, run_id: str, log: LiveLog, turn: Turn, clock: Clock, hooks: HookChain
    ) -> None:
        self.turn = turn
        self.clock = clock
        self.hooks = hooks
        self._run_id = run_id
        self._log = log

    @property
    def fold(self) -> RunFold:
        """The run as it stands."""
        return self._log.runs[self._run_id]

    def begin(self, event: RunStarted, attachments: tuple[Attachment, ...]) -> None:
        """Write down the start of the run, whose files have this content."""
        self._log.append(self._run_id, event, attachments)

    def append(self, event: Event) -> None:
        """Write an event down."""
        self._log.append(self._run_id, event)

    async def feed(self, batch: Sequence[ModelEvent]) -> int:
        """Write down what the model says, up to its end, and return how many characters."""
        now_ms = self.clock.steady_ms()
        size = 0
        for said in batch:
            if isinstance(said, ReasoningText | AnswerText):
                size += len(said.text)
            elif isinstance(said, ToolCall):
                size += len(said.arguments)
            for event in self.turn.feed(said, now_ms):
                self._log.append(self._run_id, event)
                if self.hooks:
                    await self.hooks.event(event)
            if isinstance(said, ModelFinished | ModelFailed) or self.turn.failure is not None:
                break
        return size

    async def close_segment(self) -> None:
        """Close what is open, in the middle of a run."""
        for event in self.turn.segments.close(self.clock.steady_ms()):
            self.append(event)
            await self.hooks.event(event)

    def end(self, finish: Finish, *, held: bool = False) -> Sequence[Event]:
        """Write down the end and return its events, the last of them `held`. Again: nothing."""
        ending = self.turn.end(finish, self.clock.steady_ms())
        for event in ending:
            self._log.append(self._run_id, event, held=held and event is ending[-1])
        return ending
