"""AWS event streams, split anywhere, and damaged."""

import itertools
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.core.parsers.aws_eventstream import EventStreamParser, Frame, aws_code, exception


def message(headers: bytes, payload: bytes) -> bytes:
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    body = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return body + struct.pack(">I", zlib.crc32(body))


def text_header(name: str, value: str) -> bytes:
    raw = value.encode()
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(raw)) + raw


ODD_HEADERS = (
    b"\x01a\x00\x01b\x01\x01c\x02\x00\x01d\x03\x00\x00\x01e\x04\x00\x00\x00\x00"
    b"\x01f\x05\x00\x00\x00\x00\x00\x00\x00\x00\x01g\x06\x00\x03xyz"
    b"\x01h\x08\x00\x00\x00\x00\x00\x00\x00\x00\x01i\x09" + bytes(16)
)
FIRST = message(text_header(":event-type", "one") + ODD_HEADERS + text_header("z", "ü"), b'{"a":1}')
SECOND = message(b"", b"")
BODY = FIRST + SECOND + FIRST
FRAMES = [
    Frame({":event-type": "one", "z": "ü"}, b'{"a":1}'),
    Frame({}, b""),
    Frame({":event-type": "one", "z": "ü"}, b'{"a":1}'),
]


def test_frames_are_read_with_headers_of_every_type() -> None:
    parser = EventStreamParser()
    assert parser.feed(BODY) == FRAMES
    assert parser.broken is None


@given(st.sets(st.integers(1, len(BODY) - 1)))
def test_splits_change_nothing(places: set[int]) -> None:
    at = [0, *sorted(places), len(BODY)]
    parser = EventStreamParser()
    found: list[Frame] = []
    for start, end in itertools.pairwise(at):
        found += parser.feed(BODY[start:end])
    assert found == FRAMES


def test_a_frame_that_is_not_complete_waits() -> None:
    parser = EventStreamParser()
    assert parser.feed(FIRST[:-1]) == []
    assert parser.feed(FIRST[-1:]) == FRAMES[:1]


@given(at=st.integers(0, len(FIRST) - 1), bit=st.integers(0, 7))
def test_any_damaged_bit_is_detected_and_earlier_frames_are_kept(at: int, bit: int) -> None:
    damaged = bytearray(FIRST)
    damaged[at] ^= 1 << bit
    parser = EventStreamParser()
    assert parser.feed(FIRST + bytes(damaged) + FIRST) == FRAMES[:1]
    assert parser.broken is not None
    assert parser.feed(FIRST) == []


def test_a_frame_longer_than_the_limit_is_refused_before_it_is_held() -> None:
    parser = EventStreamParser(max_frame_bytes=len(FIRST) - 1)
    assert parser.feed(FIRST[:12]) == []
    assert parser.broken is not None
    assert "longer" in parser.broken


@pytest.mark.parametrize(
    "headers",
    [
        b"\x01",
        b"\x01a",
        b"\x01a\x0a",
        b"\x01a\x07\x00\x05x",
        b"\x01\xff\x00",
        b"\x01a\x07\x00\x01\xff",
    ],
)
def test_headers_that_cannot_be_read_break_the_stream(headers: bytes) -> None:
    parser = EventStreamParser()
    assert parser.feed(message(headers, b"")) == []
    assert parser.broken is not None


def test_lengths_that_contradict_each_other_break_the_stream() -> None:
    lengths = struct.pack(">II", 20, 100)
    parser = EventStreamParser()
    parser.feed(lengths + struct.pack(">I", zlib.crc32(lengths)))
    assert parser.broken is not None


@given(st.lists(st.binary(max_size=64)))
def test_arbitrary_bytes_never_raise(chunks: list[bytes]) -> None:
    parser = EventStreamParser()
    for chunk in chunks:
        assert parser.feed(chunk) == []


def test_an_ordinary_event_is_not_a_failure() -> None:
    assert exception(Frame({":message-type": "event"}, b"{}")) is None
    assert exception(Frame({}, b"{}")) is None


@pytest.mark.parametrize(
    ("name", "code", "retryable"),
    [
        ("throttlingException", "provider_rate_limit", True),
        ("serviceUnavailableException", "provider_overloaded", True),
        ("internalServerException", "provider_overloaded", True),
        ("modelStreamErrorException", "provider_stream_cut", True),
        ("modelTimeoutException", "provider_timeout", True),
        ("validationException", "provider_bad_request", False),
        ("accessDeniedException", "provider_auth", False),
        ("brandNewException", "provider_stream_cut", True),
    ],
)
def test_exceptions_are_typed_by_their_name(name: str, code: str, retryable: bool) -> None:
    frame = Frame({":message-type": "exception", ":exception-type": name}, b'{"message":"so"}')
    error = exception(frame)
    assert error is not None
    assert (error.code, error.message, error.retryable) == (code, "so", retryable)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b'{"Message":"so"}', "so"),
        (b"plain", "plain"),
        (b"{}", "validationException"),
        (b"", "validationException"),
    ],
)
def test_the_words_of_an_exception_are_found(payload: bytes, words: str) -> None:
    headers = {":message-type": "exception", ":exception-type": "validationException"}
    error = exception(Frame(headers, payload))
    assert error is not None
    assert error.message == words


def test_an_error_without_a_payload_is_read_from_its_headers() -> None:
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "oh"}
    error = exception(Frame(headers, b""))
    assert error is not None
    assert (error.code, error.message) == ("provider_overloaded", "oh")


def test_names_are_understood_in_the_forms_of_the_header_too() -> None:
    assert aws_code("ThrottlingException:http://internal.amazon.com/x/") == "provider_rate_limit"
    assert aws_code("com.amazon#AccessDeniedException") == "provider_auth"
    assert aws_code("") is None
