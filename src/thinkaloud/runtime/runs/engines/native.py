"""The built-in engine: calls the model, runs its tools, and repeats until it answers."""

from collections.abc import Sequence
from typing import assert_never

import msgspec

from thinkaloud.core.turn import CallModel, Command, Finish, RunTools, Wait
from thinkaloud.events.model import AnswerText, ToolCall
from thinkaloud.events.prompt import ModelOptions, ToolSchema
from thinkaloud.ports.execution.engine import EngineRun, Recorder
from thinkaloud.ports.model import Model
from thinkaloud.runtime.runs.hooks import RunInfo
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.model_call import ModelCaller, Prompt
from thinkaloud.runtime.tools.approval_policy import ApprovalPolicy
from thinkaloud.runtime.tools.executor import ToolCalls, ToolExecutor
from thinkaloud.runtime.tools.listing import NO_TOOLS, ToolListing
from thinkaloud.runtime.tools.round import ToolRound


class OfferedTools(msgspec.Struct, frozen=True):
    """Which tools the model of a run is offered."""

    of_client: tuple[ToolSchema, ...] = ()
    """Tools that the client executes."""
    of_server: bool = True
    """Whether it may call the server's own tools."""

    def schemas(self, own: Sequence[ToolSchema], options: ModelOptions) -> tuple[ToolSchema, ...]:
        """Return the tools that the model may call, given the server's own."""
        if options.tool_choice == "none":
            return ()  # Not every API has an option for it.
        if not self.of_client:
            return tuple(own) if self.of_server else ()
        names = {tool.name for tool in self.of_client}
        kept = (tool for tool in own if tool.name not in names) if self.of_server else ()
        return (*kept, *self.of_client)


class EngineTools(msgspec.Struct, frozen=True):
    """The tools of a run, and what executes them."""

    executor: ToolExecutor
    approvals: ApprovalPolicy
    offered: OfferedTools


class NativeEngine:
    """Executes one run. Implements `thinkaloud.ports.execution.engine.Engine`."""

    def __init__(
        self,
        model: Model,
        prompt: Prompt,
        tools: EngineTools,
        limits: Limits,
    ) -> None:
        self._model = model
        self._prompt = prompt
        self._tool_executor = tools.executor
        self._approvals = tools.approvals
        self._offered = tools.offered
        self._limits = limits

    async def execute(self, run: EngineRun, recorder: Recorder) -> Finish | Wait:
        """Execute the run until it is finished."""
        turn, hooks, scope = recorder.turn, recorder.hooks, run.scope
        if not run.resumed:
            model = self._model.info.id
            info = RunInfo(scope.run_id, scope.conversation_id, model, run.input.text)
            await hooks.call("before_run", info)
        caller = ModelCaller(self._model, self._prompt, run.earlier, recorder, self._limits)
        listing = NO_TOOLS
        command: Command = CallModel()
        if run.resumed:
            listing = await self._tool_executor.toolbox.listing(scope)
            command = await self._tools(None, listing, run, recorder)
        while True:
            match command:
                case CallModel():
                    listing = await self._tool_executor.toolbox.listing(scope)
                    await caller.call(self._offered.schemas(listing.schemas, self._prompt.options))
                    await recorder.until_stored()
                    command = turn.decide()
                    if not isinstance(command, RunTools):
                        await hooks.call("after_iteration", turn.iteration)
                case RunTools(calls=calls):
                    await hooks.call("before_execute_tools", calls)
                    command = await self._tools(calls, listing, run, recorder)
                case Finish():
                    return await _finalized(command, recorder)
                case Wait():
                    return command
                case _:
                    assert_never(command)

    async def _tools(
        self,
        calls: Sequence[ToolCall] | None,
        listing: ToolListing,
        run: EngineRun,
        recorder: Recorder,
    ) -> Command:
        """Run the calls of a response; None: those that were approved while the run waited."""
        using = ToolCalls(listing, run.scope)
        parallel = self._limits.max_parallel_tools
        tools = ToolRound(
            self._tool_executor, self._approvals, using, recorder, run.decisions, parallel
        )
        if calls is None:
            results = await tools.run(recorder.turn.own_calls)
        else:
            results = await tools.begin(calls, run.earlier)
        if results is None:
            return Wait()
        await recorder.hooks.call("after_execute_tools", results)
        await recorder.hooks.call("after_iteration", recorder.turn.iteration)
        return recorder.turn.after_tools()


async def _finalized(finish: Finish, recorder: Recorder) -> Finish:
    if finish.status in {"completed", "max_iterations"} and recorder.hooks:
        addition = await recorder.hooks.final_content(recorder.fold.view().response)
        if addition:
            await recorder.feed([AnswerText(addition)])
            await recorder.close_segment()
    return finish
