"""The tool calls of one response, from the first approval to the last result."""

import asyncio
from collections.abc import Sequence
from typing import Final

from thinkaloud.events.event import Notice, ToolEnded
from thinkaloud.events.fold import RunFold
from thinkaloud.events.interaction import ApprovalRequested
from thinkaloud.events.model import ToolCall
from thinkaloud.events.view import ToolBlock
from thinkaloud.ports.execution.engine import Decisions, Recorder
from thinkaloud.runtime.tools.approval_policy import ApprovalPolicy
from thinkaloud.runtime.tools.executor import ToolCalls, ToolExecutor

_DUPLICATE: Final = (
    "The model gave several tool calls the same id. Those that share it with a call that must be"
    " approved were not run."
)


class ToolRound:
    """Executes the calls of one response, each of them at most once.

    Those that need no approval run at once. The others wait for their decision, and run as soon
    as they are approved. Which ones have run is in the log, so that a round can continue after a
    restart.
    """

    def __init__(
        self,
        executor: ToolExecutor,
        policy: ApprovalPolicy,
        using: ToolCalls,
        recorder: Recorder,
        decisions: Decisions,
        max_parallel: int,
    ) -> None:
        self._executor = executor
        self._policy = policy
        self._using = using
        self._recorder = recorder
        self._decisions = decisions
        self._room = asyncio.Semaphore(max_parallel)
        self._executed: set[str] = set()
        """The approvals whose calls this round executes."""

    async def begin(
        self, calls: Sequence[ToolCall], earlier: Sequence[RunFold]
    ) -> Sequence[ToolEnded] | None:
        """Ask for the approvals that are needed, and run the calls; see `run`."""
        recorder = self._recorder
        runs = [*earlier, recorder.fold]
        asked: dict[str, ApprovalRequested] = {}
        for call in calls:
            request = await self._policy.request(
                call, self._using.listing, self._using.scope, runs, recorder.turn.iteration
            )
            if request is not None:
                asked.setdefault(call.tool_call_id, request)
        free = [call for call in calls if call.tool_call_id not in asked]
        # A decision names its call by id. One that shares the id is not run.
        if len(free) + len(asked) < len(calls):
            recorder.append(Notice("duplicate_tool_call", _DUPLICATE))
        if asked:
            recorder.checkpoint()
            for request in asked.values():
                recorder.append(request)
        return await self.run(calls, free)

    async def run(
        self, calls: Sequence[ToolCall], free: Sequence[ToolCall] = ()
    ) -> Sequence[ToolEnded] | None:
        """Run the `free` calls, and those that are approved until they have ended.

        Returns the results of all calls in order, or None if there are open approvals left.
        """
        recorder, decisions = self._recorder, self._decisions
        async with asyncio.TaskGroup() as group:
            running = {group.create_task(self._free(call)) for call in free}
            while True:
                for approval_id in decisions.take():
                    self._executed.add(approval_id)
                    running.add(group.create_task(self._approved(approval_id)))
                running = {task for task in running if not task.done()}
                # An approved call that nobody executes yet: its decision is being stored.
                if not running and not self._is_storing():
                    break
                changed = group.create_task(decisions.wait())
                await asyncio.wait({*running, changed}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
        if recorder.fold.interactions.open:
            return None
        return _results(calls, recorder.fold)

    def _is_storing(self) -> bool:
        return any(
            isinstance(block, ToolBlock)
            and block.status == "running"
            and block.approval is not None
            and block.approval.approval_id not in self._executed
            for block in self._recorder.fold.view().blocks
        )

    async def _free(self, call: ToolCall) -> None:
        async with self._room:
            await self._executor.recorded(call, self._using, self._recorder)

    async def _approved(self, approval_id: str) -> None:
        interactions = self._recorder.fold.interactions
        asked, resolved = interactions.approvals[approval_id], interactions.resolved[approval_id]
        async with self._room:
            await self._executor.approved(asked, resolved, self._using, self._recorder)


def _results(calls: Sequence[ToolCall], fold: RunFold) -> Sequence[ToolEnded]:
    """Return how the calls of the last response ended, in their order."""
    iteration = max(fold.responses, default=0)
    blocks = [
        block
        for block in fold.view().blocks
        if isinstance(block, ToolBlock) and block.iteration == iteration
    ]
    found: list[ToolEnded] = []
    for call in calls:
        block = next((each for each in blocks if each.tool_call_id == call.tool_call_id), None)
        if block is None:
            continue
        status = block.status
        if status == "running" or status == "waiting" or status == "requested":
            continue
        blocks.remove(block)
        found.append(
            ToolEnded(
                block.tool_call_id,
                block.name,
                status,
                block.result,
                block.duration_ms or 0,
                block.truncated,
            )
        )
    return found
