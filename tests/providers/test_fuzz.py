"""Hostile bytes: only typed errors, the same result for every split, linear time, bounded memory.

`make soak` also searches for new inputs with a coverage-guided fuzzer; here a fixed set is replayed.
"""

import base64
import functools
import random
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType, FrameType
from typing import Any

import pytest

from tests.providers.streams import WIRES, ResponseText, Wire
from tests.providers.targets import TARGETS, seeds
from tests.thoroughness import scaled
from thinkaloud.core.parsers.aws_eventstream import EventStreamParser
from thinkaloud.core.parsers.harmony import HarmonySplitter
from thinkaloud.core.parsers.inline import InlineSplitter
from thinkaloud.core.parsers.inline_state import Inline
from thinkaloud.core.parsers.inline_tags import BRACKETED, GRANITE
from thinkaloud.events.model import AnswerText, ModelEvent, ModelFailed, ReasoningText
from thinkaloud.ports.model import Decoder

FOUND = {
    "openai-chat": ["ACIKe2NoPW9kZWwiImNv/21wAAAAAG9uX3Rva2VuI31dfQ=="],
    "openai-chat errors": ["dWweMA=="],
    "anthropic-messages errors": ["MjAyHQ=="],
    "google-generate errors": ["OjQwHg=="],
    "google-interactions errors": ["DAc3Hw=="],
    "bedrock-converse errors": ["MTEfMTExHzF7ew=="],
    "cohere-chat errors": ["/wAxHQ=="],
    "sse": ["AAHvu79kYUB0YToB77u/ZGF0v2RhYTphCmEKCg=="],
}
"""Inputs that broke something once, as the fuzzer printed them."""

MUTATIONS = scaled(60, 2_000)
WORK_SIZES = (scaled(100, 1_000), scaled(400, 4_000))
REPEATED_CHARS = scaled(200_000, 1_000_000)


def mutated(inputs: Sequence[bytes], dice: random.Random) -> Iterator[bytes]:
    """Yield inputs with bytes flipped, dropped, doubled and spliced in from each other."""
    for _ in range(MUTATIONS):
        data = bytearray(dice.choice(inputs))
        for _ in range(dice.randint(1, 6)):
            at, length = dice.randrange(2, len(data) + 1), dice.randint(1, 40)
            other = dice.choice(inputs)
            start = dice.randrange(len(other))
            match dice.randrange(5):
                case 0:
                    data[at : at + 1] = bytes([dice.randrange(256)])
                case 1:
                    del data[at : at + length]
                case 2:
                    data[at:at] = data[at : at + length]
                case 3:
                    data[at:at] = other[start : start + length]
                case _:
                    data[at:at] = dice.choice(
                        [b"\n\n", b'"', b"{", b"]", b"null", b"9e999", b"\xf0"]
                    )
        yield bytes(data)


@pytest.mark.promise("P5")
@pytest.mark.parametrize("name", TARGETS)
def test_well_formed_and_broken_input_gives_one_typed_end_however_it_is_split(name):
    inputs = seeds(name)
    assert inputs
    for data in inputs:
        TARGETS[name](data)
    for data in mutated(inputs, random.Random(name)):
        TARGETS[name](data)


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, found in FOUND.items() for data in found]
)
def test_what_the_fuzzer_found_stays_fixed(name, data):
    TARGETS[name](base64.b64decode(data))


@functools.cache
def slots(kind: type) -> frozenset[str]:
    """The names of the members that have a slot."""
    return frozenset(name for each in kind.__mro__ for name in getattr(each, "__slots__", ()))


TEXT = (str, bytes)


def text_in(values: Iterable[Any]) -> int:
    total = 0
    for value in values:
        if isinstance(value, TEXT):
            total += len(value)
    return total


@functools.cache
def is_ours(code: CodeType) -> bool:
    return "thinkaloud" in code.co_filename


def work(run: Callable[[], object]) -> int:
    """Count what a piece of code does: lines run, and text that passes through functions.

    For every function that returns, the length of each text in a local variable or a member of
    its object is added, so that text that is concatenated again for every delta grows faster than
    the input. (A buffer that grows in place is not such a text.)
    """
    units = 0

    def start(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal units
        if not is_ours(frame.f_code):
            return None
        units += 1
        return step

    def step(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal units
        units += 1
        if event == "return":
            variables = frame.f_locals
            units += text_in(variables.values())
            if "self" in variables:
                owner = variables["self"]
                units += text_in([getattr(owner, name, None) for name in slots(type(owner))])
                units += text_in(getattr(owner, "__dict__", {}).values())
        return step

    before = sys.gettrace()
    sys.settrace(start)
    try:
        run()
    finally:
        sys.settrace(before)
    return units


def in_bytes(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def decode(decoder: Decoder, chunks: Sequence[bytes]) -> list[ModelEvent]:
    events: list[ModelEvent] = []
    for chunk in chunks:
        events += decoder.feed(chunk)
    return events + decoder.close()


def texts(events: Sequence[ModelEvent]) -> str:
    return "".join(e.text for e in events if isinstance(e, ReasoningText | AnswerText))


def one_answer(wire: Wire, text: str) -> list[bytes]:
    return [wire.body(ResponseText((), (text,)))]


def many_answers(wire: Wire, text: str) -> list[bytes]:
    return wire.events(ResponseText((), tuple(text)))


def many_thoughts(wire: Wire, text: str) -> list[bytes]:
    return wire.events(ResponseText(tuple(text), ("!",)))


def many_arguments(wire: Wire, text: str) -> list[bytes]:
    return wire.events(ResponseText((), (), ('{"q":"', *text, '"}')))


def byte_by_byte(wire: Wire, text: str) -> list[bytes]:
    return in_bytes(wire.body(ResponseText((text,), (text,))))


def endless_line(wire: Wire, text: str) -> list[bytes]:
    body = wire.body(ResponseText((), ("!",)))
    return [body[: len(body) // 2], *in_bytes(text.encode())]


SHAPES = (one_answer, many_answers, many_thoughts, many_arguments, byte_by_byte, endless_line)


@pytest.mark.parametrize("unit", ["<thi", " "])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", WIRES)
def test_work_grows_no_faster_than_the_input(name, shape, unit):
    wire = WIRES[name]
    small, large = (shape(wire, unit * (size // len(unit))) for size in WORK_SIZES)
    decode(wire.decoder(), small)  # What is imported or compiled once is not counted.
    little = work(lambda: decode(wire.decoder(), small))
    much = work(lambda: decode(wire.decoder(), large))
    assert 0 < much <= 4.4 * little


@pytest.mark.parametrize("opening", ["", "<think>", "<|channel|>final<|message|>", "Here's my "])
@pytest.mark.parametrize("unit", ["<", "</thin", "<|en", "[/THIN", "Here's my res", "◁/thin"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_splitting_tags_is_linear(opening, unit, size):
    def split(count: int) -> None:
        text = opening + unit * count
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        for splitter in (InlineSplitter(Inline((*BRACKETED, *GRANITE))), HarmonySplitter()):
            for piece in pieces:
                splitter.feed(piece)
            splitter.close()

    little, much = (work(lambda: split(count)) for count in WORK_SIZES)  # noqa: B023
    assert 0 < much <= 4.4 * little


@pytest.mark.promise("P4")
@pytest.mark.parametrize("unit", ["<", "<thi", "</think", "[", "◁"])
@pytest.mark.parametrize("name", WIRES)
def test_very_many_beginnings_of_a_tag_are_text(name, unit):
    text = "a" + unit * (REPEATED_CHARS // len(unit))
    body = WIRES[name].body(ResponseText((), (text,)))
    pieces = [body[at : at + 4096] for at in range(0, len(body), 4096)]
    assert texts(decode(WIRES[name].decoder(), pieces)) == text


@pytest.mark.promise("P4")
@pytest.mark.parametrize("name", WIRES)
def test_a_delta_of_ten_megabytes_is_one_delta(name):
    text = "0123456789" * 1_000_000
    body = WIRES[name].body(ResponseText((text,), ("Done.",)))
    pieces = [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
    assert texts(decode(WIRES[name].decoder(), pieces)) == text + "Done."


def peak(run: Callable[[], object]) -> int:
    """Return how many bytes were held at most."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


ENDLESS = {
    "a line": (b"x", None),
    "a JSON text": (b" ", "application/json"),
    "a comment": (b": ", None),
    "data without a blank line": (b"data: " + b"x" * 1_000 + b"\n", None),
}


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("name", WIRES)
def test_a_stream_without_end_of_event_is_given_up_in_bounded_memory(name, kind):
    unit, content_type = ENDLESS[kind]
    wire = WIRES[name]._replace(content_type=content_type or WIRES[name].content_type)
    piece = unit * (2**18 // len(unit))
    decoder, events = wire.decoder(), []

    def run() -> None:
        for _ in range(400):  # 100 MiB, of which a decoder may hold 32
            events.extend(decoder.feed(piece))
        events.extend(decoder.close())

    assert peak(run) < 80 * 2**20
    assert isinstance(events[-1], ModelFailed)
    assert texts(events) == ""


def test_bytes_that_arrive_one_by_one_take_no_more_memory():
    for name, wire in WIRES.items():
        if wire.content_type.startswith("application/vnd"):
            continue
        start = wire.body(ResponseText((), ("!",)))[:40]
        pieces = [start, *in_bytes(b"x" * 50_000)]
        assert peak(lambda: decode(wire.decoder(), pieces)) < 400_000, name  # noqa: B023


def test_a_frame_may_not_declare_more_than_the_limit():
    body = WIRES["bedrock-converse"].body(ResponseText((), ("x" * 10_000,)))
    parser = EventStreamParser(max_frame_bytes=1_000)
    frames = parser.feed(body)
    assert parser.broken is not None
    assert len(frames) < 10
    assert parser.feed(body) == []
