"""The demo model: streams its scripted responses at a readable pace."""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final, assert_never

from thinkaloud.events.model import (
    AnswerText,
    ModelEvent,
    ModelFinished,
    ReasoningText,
    ToolCallOpened,
    Usage,
)
from thinkaloud.events.prompt import (
    EFFORT_LEVELS,
    AssistantTurn,
    ModelRequest,
    ToolCallPart,
    ToolTurn,
    Turn,
    UserTurn,
)
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.model import ModelInfo, ReasoningAbility
from thinkaloud.providers.demo.script import Response, respond

DEMO_MODEL_ID: Final = "demo/thinkaloud"

_WORDS_PER_SECOND: Final = 35.0
_PAUSE_SECONDS: Final = 0.15  # between reasoning steps, and before a tool call
_CHARACTERS_PER_TOKEN: Final = 4
_LONGEST_DELTA: Final = 24

_INFO: Final = ModelInfo(
    id=DEMO_MODEL_ID,
    name="Demo model (built in, not an AI)",
    provider="demo",
    max_tokens=128_000,
    reasoning=ReasoningAbility(supported=True, streams=True, efforts=EFFORT_LEVELS, budget=True),
)


class DemoModel:
    """Answers by fixed rules, without a network, at about 35 words per second.

    It calls the tools offered in the request (`calculate`, `current_time`, `list_files`,
    `read_file`, `search_files`), reports their results, and says that it is a demo. It is
    stateless: everything it remembers comes from the conversation in the request.
    """

    ID: Final = DEMO_MODEL_ID

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def info(self) -> ModelInfo:
        """The demo model's capabilities: every effort, any budget, no images."""
        return _INFO

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[ModelEvent]]:
        """Stream the response word by word. Stops with `length` at `max_output_tokens`."""
        response = respond(request)
        room = _room(request)
        sent = 0
        for text in _words(response.reasoning):
            await self._clock.sleep(_wait(text))
            yield [ReasoningText(text[: room - sent])]
            sent += len(text)
            if sent >= room:
                break
        for text in _words(response.answer) if sent < room else ():
            await self._clock.sleep(_wait(text))
            yield [AnswerText(text[: room - sent])]
            sent += len(text)
            if sent >= room:
                break
        if response.calls and sent < room:
            await self._clock.sleep(_PAUSE_SECONDS)
            for call in response.calls:
                yield [ToolCallOpened(call.tool_call_id, call.name), call]
        yield [_finished(request, response, min(sent, room), cut=sent >= room)]


def _room(request: ModelRequest) -> int:
    """Return the maximum number of characters to output."""
    limit = request.max_output_tokens or _INFO.max_tokens or 0
    return _CHARACTERS_PER_TOKEN * limit


def _words(text: str) -> Iterator[str]:
    """Split the text into words with their leading whitespace. Joined, they equal the text."""
    for match in re.finditer(r"\s*\S+\s*\Z|\s*\S+|\s+\Z", text):
        word = match.group()
        for start in range(0, len(word), _LONGEST_DELTA):
            yield word[start : start + _LONGEST_DELTA]


def _wait(text: str) -> float:
    return 1 / _WORDS_PER_SECOND + (_PAUSE_SECONDS if text.startswith("\n\n") else 0.0)


def _finished(request: ModelRequest, response: Response, sent: int, *, cut: bool) -> ModelFinished:
    calls = sum(len(call.arguments) for call in response.calls)
    prompt_size = len(request.system or "") + sum(map(_size, request.turns))
    usage = Usage(
        input_tokens=_tokens(prompt_size),
        output_tokens=_tokens(sent + (0 if cut else calls)),
        reasoning_tokens=_tokens(min(sent, len(response.reasoning))),
        estimated=True,
    )
    reason = "length" if cut else "tool_calls" if response.calls else "stop"
    return ModelFinished(
        reason,
        raw_finish_reason=reason,
        reasoning_status="shown" if response.reasoning else "none",
        usage=usage,
    )


def _size(turn: Turn) -> int:
    match turn:
        case UserTurn():
            return len(turn.text)
        case AssistantTurn():
            return sum(
                len(part.arguments if isinstance(part, ToolCallPart) else part.text)
                for part in turn.parts
            )
        case ToolTurn():
            return sum(len(result.content) for result in turn.results)
        case _:
            assert_never(turn)


def _tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)
