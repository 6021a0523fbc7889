"""A model that plays a script, for tests, documentation and demos. No network."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

import msgspec

from thinkaloud.events.model import (
    AnswerText,
    FinishReason,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    ReasoningText,
    ToolCall,
    ToolCallOpened,
    Usage,
)
from thinkaloud.events.prompt import EFFORT_LEVELS, ModelRequest
from thinkaloud.ports.model import ModelInfo, ReasoningAbility


class Wait(msgspec.Struct, frozen=True):
    """A step that waits until an event is set."""

    event: asyncio.Event


class Silence(msgspec.Struct, frozen=True):
    """A step that never ends: the model stops sending anything."""


class Cut(msgspec.Struct, frozen=True):
    """A step that ends the stream without an end marker."""


class Batch(msgspec.Struct, frozen=True):
    """Events that arrive together, as from one network packet."""

    events: tuple[ModelEvent, ...]


Step = ModelEvent | Wait | Silence | Cut | Batch
Script = Sequence[Step | Sequence[Step]]
"""The model's output for one call. Nested sequences are flattened."""


class ScriptExhausted(AssertionError):
    """Raised if the model is called more often than it has scripts."""


def think(*deltas: str, part: int = 0) -> list[Step]:
    """Emit reasoning, one event per delta."""
    return [ReasoningText(delta, part) for delta in deltas]


def say(*deltas: str) -> list[Step]:
    """Emit answer text, one event per delta."""
    return [AnswerText(delta) for delta in deltas]


def call_tool(
    name: str, arguments: dict[str, object] | str, tool_call_id: str = "call_0"
) -> list[Step]:
    """Call a tool. A string is sent as the JSON text of the arguments, valid or not."""
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    return [ToolCallOpened(tool_call_id, name), ToolCall(tool_call_id, name, text)]


def finish(reason: FinishReason = "stop", usage: Usage | None = None) -> list[Step]:
    """End the response. A script without this step gets a matching end."""
    return [ModelFinished(reason, usage=usage)]


class ScriptedModel:
    """Plays one script per call, in order. A script without an end gets a matching one.

    `requests` records the requests, `open_streams` counts the active streams.
    """

    def __init__(
        self, *scripts: Script, model_id: str = "scripted/model", images: bool = True
    ) -> None:
        self.requests: list[ModelRequest] = []
        self.open_streams = 0
        self._scripts = [_flat(script) for script in scripts]
        self._info = ModelInfo(
            id=model_id,
            name="Scripted model",
            provider=model_id.partition("/")[0],
            max_tokens=128_000,
            reasoning=ReasoningAbility(
                supported=True, streams=True, efforts=EFFORT_LEVELS, budget=True
            ),
            images=images,
        )

    @property
    def info(self) -> ModelInfo:
        """Describes a model that supports everything."""
        return self._info

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[ModelEvent]]:
        """Play the next script. Raises `ScriptExhausted` if none is left."""
        self.requests.append(request)
        if len(self.requests) > len(self._scripts):
            raise ScriptExhausted(f"call {len(self.requests)} of {len(self._scripts)} scripts")
        self.open_streams += 1
        try:
            async for batch in _play(self._scripts[len(self.requests) - 1]):
                yield batch
        finally:
            self.open_streams -= 1

    async def push(
        self, request: ModelRequest, take: Callable[[Sequence[ModelEvent]], bool]
    ) -> None:
        """Play the next script; see `thinkaloud.ports.model.PushModel`."""
        async with aclosing(self.stream(request)) as stream:
            async for batch in stream:
                if not take(batch):
                    return


async def _play(steps: Sequence[Step]) -> AsyncGenerator[Sequence[ModelEvent]]:
    played: list[ModelEvent] = []
    for step in steps:
        match step:
            case Wait(event=event):
                await event.wait()
            case Silence():
                await asyncio.Event().wait()
            case Cut():
                yield [
                    ModelFailed("provider_stream_cut", "The stream was cut off.", retryable=True)
                ]
                return
            case Batch(events=events):
                played.extend(events)
                yield events
            case _:
                played.append(step)
                yield [step]
    if not played or not isinstance(played[-1], ModelFinished | ModelFailed):
        yield [_end(played)]


def _end(events: Sequence[ModelEvent]) -> ModelFinished:
    called = any(isinstance(event, ToolCall) for event in events)
    thought = any(isinstance(event, ReasoningText) for event in events)
    words = sum(isinstance(event, AnswerText | ReasoningText) for event in events)
    return ModelFinished(
        "tool_calls" if called else "stop",
        reasoning_status="shown" if thought else "none",
        usage=Usage(output_tokens=words, estimated=True),
    )


def _flat(script: Script) -> list[Step]:
    steps: list[Step] = []
    for step in script:
        if isinstance(step, Sequence):
            steps.extend(step)
        else:
            steps.append(step)
    return steps
