"""A coalesced delta can be split again wherever it was joined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.core.delta_offsets import pack, split, unpack
from thinkaloud.events.event import AnswerDelta, LoggedEvent, ReasoningDelta, ReasoningEnded


def logged(event: AnswerDelta | ReasoningDelta | ReasoningEnded, seq: int) -> LoggedEvent:
    return LoggedEvent(seq, 1, "c", "r", event)


@given(st.lists(st.integers(0, 10**9)))
def test_packed_lengths_are_unpacked_unchanged(lengths: list[int]) -> None:
    assert unpack(pack(lengths)) == lengths


@given(st.lists(st.text(min_size=1), min_size=2, max_size=30), st.integers(1, 100), st.data())
def test_a_delta_split_between_two_tokens_is_the_text_before_and_the_text_after(
    texts: list[str], first_seq: int, data: st.DataObject
) -> None:
    last = first_seq + len(texts) - 1
    seq = data.draw(st.integers(first_seq, last - 1))
    whole = logged(ReasoningDelta("s", "".join(texts), 2), last)
    parts = split(whole, first_seq, pack([len(text) for text in texts]), seq)
    assert parts is not None
    kept = seq - first_seq + 1
    assert parts[0] == logged(ReasoningDelta("s", "".join(texts[:kept]), 2), seq)
    assert parts[1] == logged(ReasoningDelta("s", "".join(texts[kept:]), 2), last)


@pytest.mark.parametrize(
    "packed", [b"", b"\x01", b"\x01\x01\x01", b"\x01\x09", b"\xff\xff", b"\x02\x80"]
)
def test_lengths_that_do_not_match_a_delta_are_ignored(packed: bytes) -> None:
    assert split(logged(AnswerDelta("s", "abc"), 2), 1, packed, 1) is None


def test_only_deltas_are_split() -> None:
    assert split(logged(ReasoningEnded("s", 1), 2), 1, b"\x01\x01", 1) is None
