import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.core.tags import BRACKETED, GRANITE, TagSplitter


def split(text: str, tags=BRACKETED, *, preopened: bool = False, size: int | None = None):
    """Return (reasoning, text, order) of the whole text fed in pieces of `size`."""
    splitter = TagSplitter(tags, preopened=preopened)
    step = size or max(len(text), 1)
    pieces = []
    for start in range(0, len(text), step):
        pieces += splitter.feed(text[start : start + step])
    pieces += splitter.close()
    assert all(piece for _, piece in pieces), "a piece is never empty"
    order = []
    for is_reasoning, _ in pieces:
        if not order or order[-1] != is_reasoning:
            order.append(is_reasoning)
    reasoning = "".join(piece for is_reasoning, piece in pieces if is_reasoning)
    return reasoning, "".join(piece for is_reasoning, piece in pieces if not is_reasoning), order


@pytest.mark.parametrize(("opening", "closing"), [*BRACKETED, *GRANITE])
@pytest.mark.parametrize("size", [None, 1, 2, 3, 7])
def test_every_spelling_is_split_with_its_whitespace_kept(opening, closing, size):
    text = f"{opening}\n two < three \n{closing}\n\nfour </ five"
    assert split(text, (*BRACKETED, *GRANITE), size=size) == (
        "\n two < three \n",
        "\n\nfour </ five",
        [True, False],
    )


@pytest.mark.parametrize(
    "text",
    [
        "The tag <think>x</think> is prose here.",
        "`<think>` opens",
        "</think>an orphan closing tag",
        "<thinker>no tag</thinker>",
        "<thin",
        "a < b",
        "",
    ],
)
@pytest.mark.parametrize("size", [None, 1])
def test_anything_but_a_tag_at_the_start_is_text(text, size):
    assert split(text, size=size)[:2] == ("", text)


def test_whitespace_before_the_tag_stays_text():
    assert split("\n \n<think>a</think>b") == ("a", "\n \nb", [False, True, False])


def test_a_tag_after_the_first_closing_one_is_text():
    assert split("<think>a</think><think>b</think>") == ("a", "<think>b</think>", [True, False])


def test_another_pairs_closing_tag_does_not_close():
    assert split("<think>a</thinking>b") == ("a</thinking>b", "", [True])


def test_reasoning_that_is_never_closed_is_all_reasoning():
    assert split("<think>a</thin", size=1) == ("a</thin", "", [True])


def test_an_empty_reasoning_gives_no_piece():
    assert split("<think></think>\n\nb") == ("", "\n\nb", [False])


@pytest.mark.parametrize("size", [None, 1, 4])
def test_a_preopened_message_begins_as_reasoning(size):
    assert split("\na</think>b", preopened=True, size=size) == ("\na", "b", [True, False])
    assert split("<think>a</think>b</think>", preopened=True, size=size) == (
        "a",
        "b</think>",
        [True, False],
    )


def test_text_leaves_as_soon_as_it_cannot_be_a_tag():
    splitter = TagSplitter(BRACKETED)
    assert splitter.feed("<think>") == []
    assert splitter.feed("one") == [(True, "one")]
    assert splitter.feed(" <") == [(True, " ")]
    assert splitter.feed("b") == [(True, "<b")]
    assert splitter.feed("</think>two") == [(False, "two")]
    assert splitter.feed("<") == [(False, "<")]


def test_nested_and_overlapping_closing_tags_do_not_depend_on_the_cuts():
    tags = (("<a>", "</a>"), ("<a>", "</a></b>"), ("<a>", "</b>"))
    for text, reasoning, rest in [
        ("<a>x</a></b>y", "x", "y"),
        ("<a>x</a></c>y", "x", "</c>y"),
        ("<a>x</a></b", "x", "</b"),
    ]:
        for size in (None, 1, 2, 5):
            assert split(text, tags, size=size)[:2] == (reasoning, rest)


def test_a_million_angle_brackets_are_split_in_linear_time():
    reasoning, text, _ = split("<think>" + "<" * 1_000_000 + "</think>" + "<" * 10)
    assert (len(reasoning), len(text)) == (1_000_000, 10)
    assert len(split("<think>" + "<" * 200_000, size=1)[0]) == 200_000


pieces = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "<thinking>", "</thinking>", "<", "</", "think>", "a", "\n", "[/"]
    ),
    max_size=12,
)


@given(parts=pieces, preopened=st.booleans(), data=st.data())
def test_any_cutting_gives_the_same_pieces(parts, preopened, data):
    text = "".join(parts)
    splitter = TagSplitter(BRACKETED, preopened=preopened)
    out = []
    rest = text
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        out += splitter.feed(rest[:size])
        rest = rest[size:]
    out += splitter.close()
    whole = split(text, preopened=preopened)
    assert "".join(t for r, t in out if r) == whole[0]
    assert "".join(t for r, t in out if not r) == whole[1]
