import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.core.parsers.sse import EventTooLarge, SSEParser


def parse(chunks: list[bytes], limit: int = 2**20) -> tuple[list[tuple[bytes, bytes]], bool]:
    """Return the events, and whether the parser gave up."""
    parser = SSEParser(limit)
    events: list[tuple[bytes, bytes]] = []
    try:
        for chunk in chunks:
            events += parser.feed(chunk)
        events += parser.close()
    except EventTooLarge:
        return events, True
    return events, False


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: a\n\n", [(b"", b"a")]),
        (b"data:a\r\n\r\ndata: b\r\r", [(b"", b"a"), (b"", b"b")]),
        (b"event: e\ndata: a\n\ndata: b\n\n", [(b"e", b"a"), (b"", b"b")]),
        (b"data: a\ndata: b\n\n", [(b"", b"a\nb")]),
        (b": note\nid: 7\nretry: 5\ndata:  a\n\n", [(b"", b" a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [(b"", b"a")]),
        (b"event: lonely\n\ndata: a\n\n", [(b"", b"a")]),
        (b"data\n\n", [(b"", b"")]),
        (b"data: unended", [(b"", b"unended")]),
        (b"", []),
    ],
)
def test_events_are_parsed_as_the_standard_says(body, expected):
    assert parse([body]) == (expected, False)


@pytest.mark.promise("P5")
@given(
    lines=st.lists(
        st.sampled_from([b"data: a", b"data:", b"data: \xc3\xa9", b"event: e", b": c", b"", b"id"])
    ),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=1),
    places=st.lists(st.integers(0, 200)),
)
def test_no_split_changes_the_events(lines, ends, places):
    body = b"".join(line + end for line, end in zip(lines, itertools.cycle(ends), strict=False))
    cuts = sorted({0, len(body), *(place for place in places if place < len(body))})
    pieces = [body[a:b] for a, b in itertools.pairwise(cuts)]
    assert parse(pieces) == parse([body])
    assert parse([body[i : i + 1] for i in range(len(body))]) == parse([body])


def test_the_last_id_is_the_one_that_the_last_event_had():
    parser = SSEParser()
    found = []
    for line in b"id: 7\ndata: a\n\n: note\ndata: b\n\nid:8\ndata: c\n\n".splitlines(keepends=True):
        found += [(data, parser.last_id) for _, data in parser.feed(line)]
    assert found == [(b"a", b"7"), (b"b", b"7"), (b"c", b"8")]


BEFORE = b"event: e\ndata: a\n\ndata: b\n\n"


@pytest.mark.promise("P3", "P5")
@pytest.mark.parametrize(
    "excess",
    [
        b"data: " + b"x" * 100,
        b"data: " + b"x" * 100 + b"\n\ndata: after\n\n",
        b"data: xxxxxxxxxx\n" * 20,
        b": " + b"x" * 100,
        b"event: " + b"x" * 40 + b"\ndata: " + b"x" * 40 + b"\n\n",
        b"x" * 100 + b"\n\n",
    ],
)
def test_events_before_an_oversized_one_are_returned(excess):
    body = BEFORE + excess
    expected = ([(b"e", b"a"), (b"", b"b")], True)
    assert parse([body], limit=60) == expected
    assert parse([body[i : i + 1] for i in range(len(body))], limit=60) == expected
    for place in range(1, len(body)):
        assert parse([body[:place], body[place:]], limit=60) == expected


def test_a_failed_parser_stays_failed():
    parser = SSEParser(10)
    assert parser.feed(b"data: a\n\ndata: " + b"x" * 20) == [(b"", b"a")]
    for _ in range(2):
        with pytest.raises(EventTooLarge):
            parser.feed(b"\n\ndata: b\n\n")
    with pytest.raises(EventTooLarge):
        parser.close()


def test_the_limit_is_on_one_event_and_counts_no_byte_twice():
    event = b"data: " + b"x" * 40 + b"\n\n"
    assert parse([event * 50], limit=50) == ([(b"", b"x" * 40)] * 50, False)
    pieces = [bytes([byte]) for byte in event * 3]
    assert parse(pieces, limit=50) == ([(b"", b"x" * 40)] * 3, False)
