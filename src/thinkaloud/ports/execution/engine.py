"""The port for engines: what decides, within a run, which model calls and tool calls to make.

The built-in one is `thinkaloud.runtime.runs.engines.native`. An engine never writes to the log: what
it reports goes through the recorder, which is the only writer, and applies the reasoning policy.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from thinkaloud.core.turn import Finish, Turn, Wait
from thinkaloud.events.event import Attachment, Event, UserInput
from thinkaloud.events.fold import RunFold
from thinkaloud.events.model import ModelEvent, ProviderPayload
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.signal import Signal
from thinkaloud.ports.tool import ToolScope

FindPayload = Callable[[str, int], ProviderPayload | None]
"""Finds the provider's payload of a response by run and iteration, if the log doesn't have it."""


class Hooks(Protocol):
    """The hooks of a run."""

    def __bool__(self) -> bool:
        """Whether there are any."""
        ...

    async def call(self, place: str, *arguments: object) -> None:
        """Call a method of every hook. An exception ends the run."""
        ...

    async def final_content(self, content: str) -> str:
        """Return what the hooks add to the answer."""
        ...


class Recorder(Protocol):
    """Records what happens in a run."""

    @property
    def turn(self) -> Turn:
        """The state machine of the run, which opens and closes segments."""
        ...

    @property
    def fold(self) -> RunFold:
        """The state of the run, from its events so far."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock of the run."""
        ...

    @property
    def hooks(self) -> Hooks:
        """The hooks of the run."""
        ...

    @property
    def find_payload(self) -> FindPayload:
        """Finds payloads that are not in the log."""
        ...

    def append(self, event: Event) -> None:
        """Record an event other than the model's output, such as the start or end of a tool."""
        ...

    def record(self, batch: Sequence[ModelEvent]) -> int:
        """Record output of the model, in a run without hooks. Returns its size in characters."""
        ...

    async def feed(self, batch: Sequence[ModelEvent]) -> int:
        """Record output of the model, calling the hooks. Returns its size in characters."""
        ...

    def checkpoint(self) -> None:
        """Record what the run is continued from, before it asks for approvals."""
        ...

    async def until_stored(self) -> None:
        """Wait until the store has accepted the run. Await it before any tool runs."""
        ...

    async def close_segment(self) -> None:
        """Close the open segment, if any, in the middle of a run."""
        ...


class Decisions:
    """The decisions about a run that its engine has not noticed yet."""

    def __init__(self) -> None:
        self._approved: list[str] = []
        self._changed = Signal()

    @property
    def pending(self) -> bool:
        """Whether there are any."""
        return self._changed.is_set()

    def add(self, approval_id: str | None = None) -> None:
        """Add a decision that is in the log; with an id, that of an approved call to execute."""
        if approval_id is not None:
            self._approved.append(approval_id)
        self._changed.set()

    def take(self) -> Sequence[str]:
        """Return the approved calls that are to be executed. Each of them is returned once."""
        approved, self._approved = self._approved, []
        self._changed.clear()
        return approved

    async def wait(self) -> None:
        """Wait for a decision."""
        await self._changed.wait()


class EngineRun(msgspec.Struct, frozen=True):
    """A run, as its engine gets it."""

    scope: ToolScope
    """The run, its conversation and their owner."""
    input: UserInput
    attachments: tuple[Attachment, ...]
    """The files of the message, with their content."""
    effort: Effort | None
    max_iterations: int
    earlier: Sequence[RunFold]
    """The ended runs before it on its path, oldest first."""
    decisions: Decisions
    resumed: bool = False
    """Whether it waited for a person. The recorder's fold has what happened until then."""


class Engine(Protocol):
    """Executes runs."""

    async def execute(self, run: EngineRun, recorder: Recorder) -> Finish | Wait:
        """Execute a run until it is finished, or waits for a person.

        Cancelled if the run is stopped. A `ThinkaloudError` fails the run with its code and
        message, any other exception as an internal error.
        """
        ...
