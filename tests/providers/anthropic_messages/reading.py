"""What a decoder produced, independent of how the bytes were split."""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from tests.thoroughness import cut_interval
from thinkaloud.events.model import (
    AnswerText,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    ReasoningText,
    ServerToolActivity,
    ToolCall,
    ToolCallOpened,
)
from thinkaloud.ports.model import Decoder


class DecodedRun(msgspec.Struct):
    reasoning: list[str] = []
    """The texts of each part."""
    text: str = ""
    opened: list[tuple[str, str]] = []
    calls: list[tuple[str, str, str]] = []
    server: list[str] = []
    sequence: list[str] = []
    last: ModelFinished | ModelFailed | None = None

    @property
    def finished(self) -> ModelFinished:
        assert isinstance(self.last, ModelFinished), self.last
        return self.last

    @property
    def failed(self) -> ModelFailed:
        assert isinstance(self.last, ModelFailed), self.last
        return self.last

    @property
    def payload(self) -> Any:
        native = self.finished.native
        return None if native is None else msgspec.json.decode(native.payload)


def decode_run(events: Iterable[ModelEvent]) -> DecodedRun:
    """Fold events; also checks what holds for every decoder: no empty text, one last event."""
    got = DecodedRun()
    texts: list[str] = []
    parts: dict[int, list[str]] = {}
    for event in events:
        assert got.last is None, f"{event} after {got.last}"
        word = ""
        match event:
            case ReasoningText(text=text, part=part):
                assert text
                assert part in parts or part == len(parts)
                parts.setdefault(part, []).append(text)
                word = "reasoning"
            case AnswerText(text=text):
                assert text
                texts.append(text)
                word = "text"
            case ToolCallOpened():
                got.opened.append((event.tool_call_id, event.name))
                word = "tool_call"
            case ToolCall():
                got.calls.append((event.tool_call_id, event.name, event.arguments))
            case ServerToolActivity(kind=kind):
                got.server.append(kind)
                word = "server"
            case ModelFinished() | ModelFailed():
                got.last = event
            case _:
                pass
        if word and got.sequence[-1:] != [word]:
            got.sequence.append(word)
    got.text = "".join(texts)
    got.reasoning = ["".join(pieces) for pieces in parts.values()]
    return got


def read(decoder: Decoder, chunks: Iterable[bytes]) -> DecodedRun:
    """Feed everything, close, and check that the decoder emits nothing after its end."""

    def events() -> Iterator[ModelEvent]:
        for chunk in chunks:
            yield from decoder.feed(chunk)
        yield from decoder.close()

    got = decode_run(events())
    assert got.last is not None
    assert decoder.feed(b"more") == []
    assert decoder.close() == []
    return got


def cuts(body: bytes, seed: int = 7) -> Iterator[list[bytes]]:
    """Ways to cut a body: in two at up to 1,000 places (in `make soak`, everywhere), byte by byte, at random."""
    if len(body) < 8_000:
        for at in range(1, len(body), cut_interval(len(body))):
            yield [body[:at], body[at:]]
    if len(body) < 20_000:
        yield [body[at : at + 1] for at in range(len(body))]
    chooser = random.Random(seed)
    for _ in range(10):
        places = sorted(chooser.sample(range(1, len(body)), min(40, len(body) - 1)))
        yield [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]


def check_truncations(
    make: Callable[[], Decoder], body: bytes, end: int, samples: int = 60
) -> None:
    """Cut off anywhere before `end`: what came stands, and it is a failure, never an answer."""
    whole = read(make(), [body])
    chooser = random.Random(11)
    for at in sorted(chooser.sample(range(end), min(samples, end))):
        got = read(make(), [body[:at]])
        assert got.failed.code == "provider_stream_cut", at
        assert got.failed.retryable
        assert whole.text.startswith(got.text)
        assert "".join(whole.reasoning).startswith("".join(got.reasoning))
        assert whole.calls[: len(got.calls)] == got.calls
