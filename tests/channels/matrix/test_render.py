"""What a run looks like on Matrix."""

import pytest

from tests.channels.matrix.seen import parted
from thinkaloud.channels.matrix.render import (
    ENCRYPTED,
    MAX_BYTES,
    MAX_ENCRYPTED_BYTES,
    PLAIN,
    finished,
    progress,
    render_text,
)
from thinkaloud.channels.platform.content import (
    Answer,
    ChatContent,
    ContentBlock,
    NoticeLine,
    Thought,
    ToolLine,
)


def content(*blocks: ContentBlock, **fields: object) -> ChatContent:
    values: dict[str, object] = {"run_id": "run-1", "mode": "live", "final": True}
    return ChatContent(blocks=blocks, **(values | fields))  # pyright: ignore[reportArgumentType]


def thought(text: str, *, seconds: float | None = 4) -> Thought:
    milliseconds = None if seconds is None else int(seconds * 1000)
    return Thought("t", text, seconds is None, 0, milliseconds)


def answer(markdown: str) -> Answer:
    return Answer("a", markdown, open=False)


def test_a_live_thought_is_in_an_open_fold_and_in_no_plain_text() -> None:
    part = progress(content(thought("Rayleigh & <co>", seconds=None), final=False))
    assert part is not None
    assert part.html == (
        "<details open><summary>Thinking…</summary><p>Rayleigh &amp; &lt;co&gt;</p></details>"
    )
    assert part.body == "Thinking…"


def test_a_finished_thought_is_folded_above_the_answer() -> None:
    (part,) = finished(content(thought("One.\nTwo.\n\nThree."), answer("It is **blue**.")))
    assert part.html == (
        "<details><summary>Thought for 4 s</summary><p>One.<br>Two.</p><p>Three.</p></details>"
        "<p>It is <strong>blue</strong>.</p>"
    )
    assert part.body == "It is blue."


def test_markup_in_a_thought_ends_no_fold() -> None:
    (part,) = finished(content(thought("</details><img src=x onerror=y> & </p>"), answer("Fine.")))
    visible, folded = parted(part.html)
    assert "Fine." in visible
    assert "img" not in visible
    assert folded == "</details><img src=x onerror=y> & </p>"


def test_tools_and_notices_take_a_line_each_whatever_they_contain() -> None:
    blocks = (
        ToolLine("1", "look_up", "look_up *sky* <b>", "done"),
        ToolLine("2", "fetch", "fetch", "failed"),
        answer("Half ```\nan open fence"),
        NoticeLine("retry", "Trying again"),
    )
    (part,) = finished(content(*blocks, closing="Stopped."))
    visible, _ = parted(part.html)
    lines = [line for line in visible.splitlines() if line]
    assert lines[:2] == ["✓ look_up *sky* <b>", "✗ fetch"]
    assert lines[-2:] == ["ℹ Trying again", "Stopped."]


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("1. a\n2. b\n   - c", "<ol><li>a</li><li>b<ul><li>c</li></ul></li></ol>"),
        ("3. a", '<ol start="3"><li>a</li></ol>'),
        ("> q\n\n---", "<blockquote><p>q</p></blockquote><hr>"),
        ("```py\na < b\n```", '<pre><code class="language-py">a &lt; b\n</code></pre>'),
        ("~~a~~ `<b>` _c_", "<p><del>a</del> <code>&lt;b&gt;</code> <em>c</em></p>"),
        ("[x](https://e.org/?a&b)", '<p><a href="https://e.org/?a&amp;b">x</a></p>'),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>"),
        ("# T", "<h1>T</h1>"),
        ("$$x<y$$", '<p><div data-mx-maths="x&lt;y"><code>x&lt;y</code></div></p>'),
        (
            "|a|b|\n|-|-|\n|1|2|",
            "<table><thead><tr><th>a</th><th>b</th></tr></thead>"
            "<tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
        ),
    ],
)
def test_markdown_becomes_the_html_of_the_specification(markdown: str, html: str) -> None:
    (part,) = render_text(markdown)
    assert part.html == html


def test_links_that_mention_people_or_rooms_become_text() -> None:
    (part,) = render_text("[Ada](https://matrix.to/#/@ada:example.org) and @room")
    assert part.html == "<p>Ada and @room</p>"
    assert part.content["m.mentions"] == {}
    assert part.edit_of("$1")["m.mentions"] == {}
    assert part.edit_of("$1")["m.new_content"]["m.mentions"] == {}


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "word & ",
        "漢",
        "😀 ",
        "`<` ",
        "- a\n",
        "**a**&",
        "$$x$$ ",
        "> a\n\n",
        "|a|b|\n|-|-|\n|1|2|\n\n",
        "# <\n",
    ],
)
def test_every_message_fits_into_an_event(text: str, encrypted: bool) -> None:
    size, most = (ENCRYPTED, MAX_ENCRYPTED_BYTES) if encrypted else (PLAIN, MAX_BYTES)
    count = 8_000 // len(text.encode())
    made = content(thought(text * 8 * count), answer(text * count))
    parts = finished(made, encrypted=encrypted)
    assert max(size.size(part.edit_of("$" + "x" * 200)) for part in parts) <= most


def test_the_rest_of_a_long_thought_comes_silently_and_last() -> None:
    words = [f"word{n}" for n in range(9_000)]
    parts = finished(content(thought(" ".join(words)), answer("The answer.")))
    assert [part.silent for part in parts] == [False, *[True] * (len(parts) - 1)]
    folded = [word for part in parts for word in parted(part.html)[1].split()]
    assert folded == words
    assert parts[1].body == "Thought, continued"


def test_a_thought_that_is_too_long_even_for_that_says_how_much_is_missing() -> None:
    parts = finished(content(thought("word " * 100_000), answer("The answer.")))
    assert len(parts) == 4
    assert "more characters are not shown" in parted(parts[-1].html)[1]


def test_a_code_block_that_is_split_is_opened_again() -> None:
    code = "\n".join(f"line {n:05}" for n in range(6_000))
    parts = finished(content(answer(f"```py\n{code}\n```")))
    assert len(parts) > 1
    assert all(part.html.startswith('<pre><code class="language-py">line') for part in parts)
    shown = "".join(parted(part.html)[0] + "\n" for part in parts)
    assert shown.split("\n") == [*code.split("\n"), ""]


def test_on_request_shows_only_how_long_it_thought() -> None:
    (part,) = finished(content(thought(""), answer("Blue."), mode="on_request"))
    assert part.html == "<p><em>Thought for 4 s</em></p><p>Blue.</p>"
