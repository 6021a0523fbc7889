"""Answers on a terminal: Markdown, the same while it grows and when it is done."""

import io
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tests.cli.program import rendered as screen_of
from thinkaloud.cli.ui.live import LiveView
from thinkaloud.cli.ui.markdown import MarkdownPieces, Piece, print_markdown
from thinkaloud.events.event import AnswerDelta, AnswerEnded, Event, LoggedEvent, ReasoningDelta

ANSWER = """\
# A title

Some **bold** words and `code`, with a [link](http://example.org/).

1. one

2. two

   more of two
   - nested

```python
def f(x):
    return   x

# end
```
After it.

| a | b |
|---|---|
| 1 | 2 |

- x
- y
"""


def shown(text: str, width: int = 40) -> list[str]:
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    print_markdown(console, text)
    assert isinstance(console.file, io.StringIO)
    return screen_of(console.file.getvalue(), width)[:-1]


def pieces_of(chunks: Iterable[str]) -> list[Piece]:
    pieces = MarkdownPieces()
    return [*(piece for chunk in chunks for piece in pieces.add(chunk)), *pieces.end()]


def test_markdown_is_rendered_in_the_terminal() -> None:
    assert shown(ANSWER, 60) == [
        "A title",
        "",
        "Some bold words and code, with a link (http://example.org/).",
        "",
        " 1 one",
        "",
        " 2 two",
        "   more of two",
        "    • nested",
        "",
        "def f(x):",
        "    return   x",
        "",
        "# end",
        "",
        "After it.",
        "",
        " a  b",
        " ────",
        " 1  2",
        "",
        " • x",
        " • y",
    ]


def test_lines_wrap_between_words() -> None:
    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda"
    lines = shown(words, 20)
    assert " ".join(lines) == words
    assert max(map(len, lines)) <= 20


@pytest.mark.parametrize("text", ["汉字" * 30, "🎉 " * 30, "한국어 문장 " * 10, "é" * 50])
def test_wide_characters_fit_the_line(text: str) -> None:
    lines = shown(text, 21)
    assert all(cell_len(line) <= 21 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_code_keeps_whitespace_and_long_lines() -> None:
    line = "    x = '" + "a b  c" * 20 + "'"
    console = Console(file=io.StringIO(), force_terminal=True, width=30, color_system=None)
    print_markdown(console, f"~~~~\n{line}\n```\n~~~~\n")
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == f"{line}\n```\n"


@given(st.lists(st.sampled_from([*ANSWER, "```", "\n\n", "- ", "    ", "~~~", "汉"]), max_size=80))
def test_the_pieces_are_the_same_however_the_text_is_split(characters: list[str]) -> None:
    text = "".join(characters)
    assert pieces_of([text]) == pieces_of(text) == pieces_of(characters)


@pytest.mark.parametrize(
    "text",
    ["> " * 30_000, "[a](" * 20_000, "*a_" * 20_000, "- " * 20_000, "`" * 50_000, "a\n" * 20_000],
    ids=lambda text: text[:4],
)
def test_deeply_nested_markdown_can_be_shown(text: str) -> None:
    pieces = pieces_of([text])
    assert sum(len(piece.text) for piece in pieces) > len(text) // 2
    assert all(len(piece.text) < 20_000 for piece in pieces[:-1])
    assert shown(text)


class Terminal:
    """A screen on a console whose width can change, as terminals do that rewrap lines."""

    def __init__(self, width: int) -> None:
        self.file = io.StringIO()
        self.console = Console(
            file=self.file,
            force_terminal=True,
            width=width,
            height=30,
            color_system=None,
            _environ={"TERM": "xterm"},
        )
        self.screen = LiveView(self.console, None)

    def show(self, *events: Event) -> None:
        for event in events:
            self.screen.show(LoggedEvent(1, 0, "c", "r", event))

    def resize(self, width: int) -> None:
        """Rewrap the existing lines; the cursor stays after the last one."""
        rows = [
            line[at : at + width]
            for line in screen_of(self.file.getvalue(), self.console.width)
            for at in range(0, max(1, len(line)), width)
        ]
        self.file.seek(0)
        self.file.truncate()
        self.file.write("\r\n".join(rows))
        self.console.width = width

    @property
    def lines(self) -> list[str]:
        return screen_of(self.file.getvalue(), self.console.width)


@pytest.mark.parametrize("width", [59, 40, 23, 100])
def test_a_terminal_that_is_resized_while_it_thinks_keeps_no_stale_lines(width: int) -> None:
    terminal = Terminal(60)
    terminal.console.print("before")
    terminal.show(ReasoningDelta("s", "word " * 60))
    terminal.console.print("above")  # Has what moves drawn below it, now.
    assert len(terminal.lines) > 5
    terminal.resize(width)
    terminal.show(ReasoningDelta("s", "more "), AnswerDelta("t", "Tea."), AnswerEnded("t"))
    terminal.screen.end()
    assert [line for line in terminal.lines if line] == ["before", "above", "Tea."]


def test_a_growing_answer_is_rendered_like_the_final_one() -> None:
    terminal = Terminal(40)
    for character in ANSWER:
        terminal.show(AnswerDelta("t", character))
    terminal.show(AnswerEnded("t"))
    terminal.screen.end()
    assert [line for line in terminal.lines if line] == [line for line in shown(ANSWER) if line]
