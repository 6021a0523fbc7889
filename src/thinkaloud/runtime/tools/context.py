"""What a tool can do during a call, besides returning a result."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from thinkaloud.errors import ToolError
from thinkaloud.events.event import Event, ToolProgress
from thinkaloud.events.model import ToolCall
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tool import Answer, ToolScope
from thinkaloud.runtime.tools.questions import Questions, question

_INTERVAL_MS: Final = 100
"""Reports that follow another one sooner are dropped."""
_MAX_REPORTS: Final = 1_000
_MAX_MESSAGE: Final = 500


class CallContext:
    """The context of one call. Implements `thinkaloud.ports.tool.ToolContext`."""

    def __init__(
        self,
        scope: ToolScope,
        call: ToolCall,
        record: Callable[[Event], None],
        clock: Clock,
        questions: Questions,
    ) -> None:
        self._scope = scope
        self._call = call
        self._questions = questions
        self._one_at_a_time = asyncio.Lock()
        self._asking_since: float | None = None
        self._asked_seconds = 0.0
        self._record = record
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._reports = 0
        self._reported_ms: int | None = None
        self.ended = False
        """Whether the call has ended. Nothing is reported after that."""

    @property
    def scope(self) -> ToolScope:
        """The run, its conversation and their owner."""
        return self._scope

    @property
    def tool_call_id(self) -> str:
        """The id of this call, unique in its run."""
        return self._call.tool_call_id

    def progress(
        self, message: str = "", *, progress: float | None = None, total: float | None = None
    ) -> None:
        """Report progress, from any thread. At most ten reports a second are recorded."""
        report = ToolProgress(
            self._call.tool_call_id,
            self._call.name,
            message.encode("utf-8", "replace").decode("utf-8")[:_MAX_MESSAGE],
            _number(progress),
            _number(total),
        )
        if _is_running(self._loop):
            self._report(report)
        else:
            # A plain function runs in a thread of its own, which may outlive the loop.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._report, report)

    def _report(self, report: ToolProgress) -> None:
        now_ms = self._clock.steady_ms()
        if self.ended or self._reports == _MAX_REPORTS:
            return
        if self._reported_ms is not None and now_ms - self._reported_ms < _INTERVAL_MS:
            return
        self._reports += 1
        self._reported_ms = now_ms
        self._record(report)

    @property
    def asking_seconds(self) -> float:
        """How long it has waited for a person."""
        since = self._asking_since
        return self._asked_seconds + (0.0 if since is None else self._loop.time() - since)

    async def ask(
        self, message: str, schema: dict[str, object] | None = None, *, url: str | None = None
    ) -> Answer:
        """Ask the owner of the run a question and wait for the answer, one at a time."""
        timeout = self._questions.timeout_seconds
        asked = question(self._call, message, schema, url, self._clock, timeout)
        async with self._one_at_a_time:
            if self.ended:
                raise ToolError("The call has ended.")
            self._asking_since = self._loop.time()
            try:
                return await self._questions.ask(self._scope, asked, self._record)
            finally:
                self._asked_seconds = self.asking_seconds
                self._asking_since = None


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _number(value: float | None) -> float | None:
    """Return a finite number, or None: JSON has no other ones."""
    return value if value is not None and math.isfinite(value) else None
