"""A conversation with the demo model: its tool calls are executed, on a clock that never waits."""

from collections.abc import Sequence
from pathlib import Path

from thinkaloud.events.model import AnswerText, ModelEvent, ModelFinished, ReasoningText, ToolCall
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantPart,
    AssistantTurn,
    Effort,
    ModelRequest,
    ReasoningPart,
    ToolCallPart,
    ToolResult,
    ToolTurn,
    Turn,
    UserTurn,
)
from thinkaloud.ports.tool import Tool, ToolScope
from thinkaloud.providers.demo import DemoModel
from thinkaloud.runtime.tools.context import CallContext
from thinkaloud.runtime.tools.executor import ToolExecutor
from thinkaloud.tools.builtin.toolset import builtin_tools
from thinkaloud.tools.workspace import Workspace

NOON = 1_780_000_000  # 28 May 2026, 20:26:40 UTC


class SteppingClock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def steady_ms(self) -> int:
        return round(1000 * sum(self.waits))

    def unix_ms(self) -> int:
        return self.steady_ms()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


class DemoConversation:
    """One conversation, with the model's events of its last run."""

    def __init__(self, tools: Sequence[Tool] = ()) -> None:
        self.clock = SteppingClock()
        self.model = DemoModel(self.clock)
        self.tool_executor = ToolExecutor(tools, 100_000)
        self.turns: list[Turn] = []
        self.events: list[ModelEvent] = []

    async def ask(
        self, text: str, effort: Effort | None = None, max_output_tokens: int | None = None
    ) -> str:
        """Carry one question to its answer."""
        self.turns.append(UserTurn(text))
        self.events = []
        while True:
            events = await self._call(effort, max_output_tokens)
            calls = [event for event in events if isinstance(event, ToolCall)]
            if not calls:
                return self.answer
            self.turns.append(ToolTurn(tuple([await self._result(call) for call in calls])))

    async def _call(self, effort: Effort | None, limit: int | None) -> list[ModelEvent]:
        request = ModelRequest(
            model="thinkaloud",
            turns=tuple(self.turns),
            tools=self.tool_executor.toolbox.own.schemas,
            effort=effort,
            max_output_tokens=limit,
        )
        events = [event async for batch in self.model.stream(request) for event in batch]
        self.events += events
        parts: list[AssistantPart] = []
        for event in events:
            match event:
                case ReasoningText(text=text):
                    parts.append(ReasoningPart(text))
                case AnswerText(text=text):
                    parts.append(AnswerPart(text))
                case ToolCall(tool_call_id=call_id, name=name, arguments=arguments):
                    parts.append(ToolCallPart(call_id, name, arguments))
                case _:
                    pass
        self.turns.append(AssistantTurn(tuple(parts)))
        return events

    async def _result(self, call: ToolCall) -> ToolResult:
        scope = ToolScope("local", "conv_demo", "run_demo")
        context = CallContext(scope, call, lambda _: None, self.clock, self.tool_executor.questions)
        listing = self.tool_executor.toolbox.own
        outcome = await self.tool_executor.call(call, listing, context)
        return ToolResult(
            call.tool_call_id, call.name, outcome.result, is_error=outcome.status != "ok"
        )

    @property
    def answer(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, AnswerText))

    @property
    def reasoning(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, ReasoningText))

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [
            (event.name, event.arguments) for event in self.events if isinstance(event, ToolCall)
        ]

    @property
    def finished(self) -> ModelFinished:
        last = self.events[-1]
        assert isinstance(last, ModelFinished)
        return last


def with_tools(folder: Path | None = None) -> DemoConversation:
    """A conversation with the built-in tools; those for files where there is a folder."""
    workspace = None if folder is None else Workspace(folder)
    return DemoConversation(builtin_tools(workspace, lambda: NOON, fetch=False))
