"""Markdown becomes blocks, blocks become messages within the limits, and nothing gets lost or becomes markup."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.channels.telegram.fake.markup import Parsed
from tests.channels.telegram.fake.rich import Rich
from thinkaloud.channels.markdown import tree
from thinkaloud.channels.telegram.blocks import (
    Block,
    Bold,
    Code,
    Details,
    Divider,
    Formula,
    Item,
    Link,
    List,
    Paragraph,
    Preformatted,
    Quote,
    Table,
    count,
    encode,
    plain,
    size,
    texts,
    units,
)
from thinkaloud.channels.telegram.convert import blocks_of_tree, fold, inline
from thinkaloud.channels.telegram.html import html, simple, text
from thinkaloud.channels.telegram.split import cut, messages, split_text

WORDS = tree.Paragraph([tree.Text("one")])


def converted(*nodes: tree.Block) -> list[Block]:
    return list(blocks_of_tree(nodes))


def test_every_kind_of_markdown_becomes_a_block_that_telegram_accepts() -> None:
    row = [[tree.Text("a")], [tree.Text("b")]]
    blocks = converted(
        tree.Heading(2, [tree.Text("Title")]),
        tree.Paragraph(
            [
                tree.Styled("strong", [tree.Text("b"), tree.Styled("emphasis", [tree.Text("i")])]),
                tree.Styled("strike", [tree.Text("s")]),
                tree.CodeSpan("<x>"),
                tree.Break(),
                tree.Link("https://example.org", [tree.Text("there")]),
                tree.Formula("x^2"),
            ]
        ),
        tree.Paragraph([tree.Formula("y^2", display=True)]),
        tree.CodeBlock("print()", "python"),
        tree.CodeBlock("", ""),
        tree.Quote([WORDS]),
        tree.List([tree.Item([WORDS, tree.List([tree.Item([WORDS])])]), tree.Item([])], 3),
        tree.Table(row, [row]),
        tree.Rule(),
    )
    found = Rich(encode(blocks), draft=False)
    assert found.visible[:4] == [
        "Title",
        "bis<x>\ntherex^2",
        "y^2",
        "print()",
    ]
    numbers = [item.get("value") for block in found.blocks for item in block.get("items", [])]
    assert numbers == [3, 4]


def test_text_that_looks_like_markup_stays_text() -> None:
    (block,) = converted(tree.Paragraph([tree.Text("<b>@everyone</b> &amp; [x](y)")]))
    assert json.loads(encode([block]))["blocks"][0]["text"] == "<b>@everyone</b> &amp; [x](y)"
    assert not Rich(encode([block]), draft=False).detects
    parsed = Parsed(html(list(simple([block]))), "HTML")
    assert "".join(parsed.visible) == "<b>@\u2060everyone</b> &amp; [x](y)"
    assert parsed.mentions == []


def test_addresses_in_text_become_links_and_keep_their_punctuation_outside() -> None:
    found = inline([tree.Text("See https://example.org/a_(b), or (http://x.y).")])
    links = [part for part in found if isinstance(part, Link)] if isinstance(found, tuple) else []
    assert [link.url for link in links] == ["https://example.org/a_(b", "http://x.y"]
    assert plain(found) == "See https://example.org/a_(b), or (http://x.y)."


def test_items_with_boxes_become_checkboxes() -> None:
    items = [
        tree.Item([tree.Paragraph([tree.Text("[x] done")])]),
        tree.Item([tree.Paragraph([tree.Text("[ ] not yet")])]),
    ]
    (block,) = converted(tree.List(items))
    assert isinstance(block, List)
    assert [(item.has_checkbox, item.is_checked) for item in block.items] == [
        (True, True),
        (True, False),
    ]
    assert list(texts(block)) == ["done", "not yet"]


def test_nesting_beyond_what_telegram_allows_becomes_text() -> None:
    node: tree.Block = WORDS
    for _ in range(40):
        node = tree.List([tree.Item([node])])
    found = Rich(encode(converted(node)), draft=False)
    assert found.visible[-1].endswith("one")


def test_a_table_with_too_many_columns_becomes_code() -> None:
    row = [[tree.Text(str(number))] for number in range(21)]
    (block,) = converted(tree.Table(row, [row]))
    assert isinstance(block, Preformatted)
    assert block.text.startswith("0 | 1 | 2")


def test_a_code_block_that_is_too_long_is_opened_again_with_its_language() -> None:
    code = "\n".join(f"line {number}" for number in range(100))
    found = [block for part in messages([Preformatted(code, "python")], 300, 50) for block in part]
    assert len(found) > 2
    assert all(isinstance(block, Preformatted) and block.language == "python" for block in found)
    lines = [line for block in found for line in "".join(texts(block)).splitlines()]
    assert lines == code.splitlines()


def test_a_code_block_that_fits_a_message_is_not_split() -> None:
    blocks = [Paragraph("x" * 250), Preformatted("y" * 200)]
    assert [len(part) for part in messages(blocks, 300, 50)] == [1, 1]


def test_a_long_list_continues_with_its_numbers_and_a_long_table_with_its_header() -> None:
    items = tuple(Item((Paragraph("word " * 20),), number) for number in range(1, 11))
    found = [block for part in messages([List(items)], 400, 50) for block in part]
    numbers = [item.value for block in found if isinstance(block, List) for item in block.items]
    assert numbers == list(range(1, 11))
    row = [[tree.Text("name" * 10)], [tree.Text("value" * 5)]]
    (table,) = converted(tree.Table(row, [row] * 20))
    parts = [block for part in messages([table], 400, 50) for block in part]
    assert len(parts) > 2
    assert all(isinstance(part, Table) and part.cells[0][0].is_header for part in parts)
    assert sum(len(part.cells) - 1 for part in parts if isinstance(part, Table)) == 20


def test_a_message_has_at_most_so_many_blocks() -> None:
    for part in messages([fold("x", "a\n\nb")] * 300, 100_000, 450):
        assert sum(map(count, part)) <= 450


def test_a_quotation_and_a_fold_with_too_many_blocks_become_several() -> None:
    many = tuple(Paragraph("x") for _ in range(100))
    for block in (Quote(many), Details("s", many), List((Item(many),))):
        parts = list(messages([block], 100_000, 30))
        assert all(sum(map(count, part)) <= 30 for part in parts)
        assert len(parts) == 4


def test_texts_are_cut_after_paragraphs_lines_sentences_and_words() -> None:
    assert "one two\n\nthree four"[: cut("one two\n\nthree four", 12)] == "one two\n\n"
    assert "one two\nthree four"[: cut("one two\nthree four", 12)] == "one two\n"
    assert "One two. Three four."[: cut("One two. Three four.", 12)] == "One two. "
    assert "one two three four"[: cut("one two three four", 12)] == "one two "
    assert cut("x" * 50, 12) == 12


def test_a_character_of_several_code_points_is_never_cut_apart() -> None:
    family = "👨\u200d👩\u200d👧"
    for limit in range(1, 40):
        pieces = list(split_text("x" * 20 + family + "é" + "🇩🇪", max(limit, 9)))
        assert sum(family in piece for piece in pieces) == 1
        assert sum("é" in piece for piece in pieces) == 1
        assert sum("🇩🇪" in piece for piece in pieces) == 1


@given(st.text(max_size=400), st.integers(10, 60))
def test_pieces_fit_and_together_they_are_the_text(whole: str, limit: int) -> None:
    pieces = list(split_text(whole, limit))
    assert "".join(pieces) == whole
    assert all(0 < units(piece) <= limit for piece in pieces)


STYLED = st.recursive(
    st.text(min_size=1, max_size=60).filter(str.strip),
    lambda inner: st.one_of(inner.map(Bold), inner.map(lambda part: Link(part, "https://x.y"))),
    max_leaves=4,
)
BLOCKS = st.recursive(
    st.one_of(
        STYLED.map(Paragraph),
        st.text(min_size=1, max_size=200).map(Preformatted),
        st.just(Divider()),
        st.text(min_size=1, max_size=30).map(Formula),
        st.lists(STYLED, min_size=1, max_size=6).map(lambda parts: Paragraph((*parts, Code("x")))),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(lambda blocks: Quote(tuple(blocks))),
        st.lists(inner, min_size=1, max_size=4).map(lambda blocks: Details("s", tuple(blocks))),
        st.lists(inner, min_size=1, max_size=4).map(
            lambda blocks: List(tuple(Item((block,), 1) for block in blocks))
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.lists(BLOCKS, min_size=1, max_size=5), st.integers(80, 400))
def test_messages_of_any_blocks_fit_and_contain_all_of_the_text(
    blocks: list[Block], limit: int
) -> None:
    parts = list(messages(blocks, limit, 30))
    for part in parts:
        assert sum(map(size, part)) <= limit
        assert sum(map(count, part)) <= 30
        Rich(encode(part), draft=False)
    before = "".join(found for block in blocks for found in texts(block)).replace("s", "")
    after = "".join(found for part in parts for block in part for found in texts(block))
    assert after.replace("s", "") == before


@settings(max_examples=40)
@given(st.lists(BLOCKS, min_size=1, max_size=5))
def test_html_of_any_blocks_is_accepted_and_notifies_nobody(blocks: list[Block]) -> None:
    loud = [*blocks, Paragraph("@somebody. " * 600), Preformatted("@decorator\n" * 600)]
    for part in messages(list(simple(loud)), 4_000, 80):
        assert Parsed(html(part), "HTML").mentions == []
    for part in messages(list(simple(loud, quiet_code=True)), 4_000, 80):
        assert Parsed(text(part), None).mentions == []
