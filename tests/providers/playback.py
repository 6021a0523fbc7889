"""Feeds bodies to a decoder, split anywhere, and returns what it decoded."""

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.corpus import Case
from thinkaloud.events.model import (
    AnswerText,
    Keepalive,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    ReasoningText,
    ServerToolActivity,
    ToolCall,
    ToolCallOpened,
)
from thinkaloud.ports.model import Decoder

MakeDecoder = Callable[[], Decoder]


class DecodedResponse:
    """What came out of a decoder, put together."""

    def __init__(self, events: list[ModelEvent]) -> None:
        assert events, "a decoder says at least how it ended"
        self.events = events
        *before, self.end = events
        assert isinstance(self.end, ModelFinished | ModelFailed)
        assert not any(isinstance(event, ModelFinished | ModelFailed) for event in before)
        texts = [event for event in before if isinstance(event, ReasoningText | AnswerText)]
        assert all(event.text for event in texts), "empty text was emitted"
        self.reasoning = "".join(e.text for e in texts if isinstance(e, ReasoningText))
        self.answer = "".join(e.text for e in texts if isinstance(e, AnswerText))
        self.calls = [event for event in before if isinstance(event, ToolCall)]
        opened = [(e.tool_call_id, e.name) for e in before if isinstance(e, ToolCallOpened)]
        assert opened[: len(self.calls)] == [(c.tool_call_id, c.name) for c in self.calls]

    @property
    def finished(self) -> ModelFinished:
        assert isinstance(self.end, ModelFinished), self.end
        return self.end

    @property
    def failed(self) -> ModelFailed:
        assert isinstance(self.end, ModelFailed), self.end
        return self.end

    @property
    def sequence(self) -> list[str]:
        """The kinds of block in order, neighbors of one kind as one."""
        return [word for word, _ in itertools.groupby(w for w in map(_word, self.events) if w)]

    @property
    def normalized(self) -> list[object]:
        """Everything that must not depend on the cuts."""
        found: list[Any] = []
        for event in self.events:
            match event:
                case Keepalive():
                    continue
                case ReasoningText(text, part):
                    key: tuple[object, ...] = ("reasoning", part)
                case AnswerText(text):
                    key = ("answer",)
                case _:
                    found.append(event)
                    continue
            if found and isinstance(found[-1], list) and found[-1][0] == key:
                found[-1][1].append(text)
            else:
                found.append([key, [text]])
        return [
            (entry[0], "".join(entry[1])) if isinstance(entry, list) else entry for entry in found
        ]


def _word(event: ModelEvent) -> str | None:
    match event:
        case ReasoningText():
            return "reasoning"
        case AnswerText():
            return "text"
        case ToolCallOpened():
            return "tool_call"
        case ServerToolActivity():
            return "server_item"
        case _:
            return None


def play(decoder: Decoder, chunks: Iterable[bytes]) -> DecodedResponse:
    """Feed the chunks, close, and return the decoded response."""
    events: list[ModelEvent] = []
    for chunk in chunks:
        events += decoder.feed(chunk)
    events += decoder.close()
    assert decoder.feed(b"data: {}\n\n") == []
    assert decoder.close() == []
    return DecodedResponse(events)


def cuttings(body: bytes, network: list[bytes] | None = None) -> Iterator[list[bytes]]:
    """Yield ways to cut a body: everywhere once where it is small, else at random and bytewise."""
    if len(body) < 8000:
        for place in range(1, len(body)):
            yield [body[:place], body[place:]]
    for seed in range(5):
        dice = random.Random(seed)
        places = sorted(dice.sample(range(1, len(body)), min(200, len(body) - 1)))
        yield [body[a:b] for a, b in itertools.pairwise([0, *places, len(body)])]
    yield [body[i : i + 1] for i in range(len(body))]
    if network is not None:
        yield network


def assert_cuts_do_not_matter(
    make: MakeDecoder, body: bytes, network: list[bytes] | None = None
) -> None:
    whole = play(make(), [body]).normalized
    for chunks in cuttings(body, network):
        assert play(make(), chunks).normalized == whole


def assert_no_early_finish(make: MakeDecoder, body: bytes, end_mark: bytes) -> None:
    """Cut the body off before its end marker is complete: a typed failure, and nothing is lost."""
    whole = play(make(), [body])
    start = body.index(end_mark)
    line = body[start:].split(b"\n", 1)[0]
    end = start + line.rindex(b"}") + 1
    dice = random.Random(7)
    for place in {*dice.sample(range(end), min(150, end)), start, end - 1}:
        part = play(make(), [body[:place]])
        assert part.failed.code == "provider_stream_cut"
        assert part.failed.retryable
        assert whole.reasoning.startswith(part.reasoning)
        assert whole.answer.startswith(part.answer)
        assert whole.calls[: len(part.calls)] == part.calls
    assert isinstance(play(make(), [body[:end]]).end, ModelFinished)


def assert_as_expected(case: Case, decoded: DecodedResponse) -> None:
    """Compare with the independent parse that lies beside a recording."""
    expected = case.expected
    assert decoded.reasoning == expected["reasoning"]
    assert decoded.answer == expected["text"]
    assert decoded.finished.raw_finish_reason == expected["finish_reason"]
    usage = decoded.finished.usage
    assert usage is not None
    assert usage.raw == expected["usage"]
    assert usage.reasoning_tokens == expected["reasoning_tokens"]
    assert [call.name for call in decoded.calls] == [c["name"] for c in expected["tool_calls"]]
    for call, wanted in zip(decoded.calls, expected["tool_calls"], strict=True):
        assert wanted["id"] in {None, call.tool_call_id}
