"""What a person sees of a run in Feishu."""

from collections.abc import AsyncGenerator

import pytest

from tests.channels.feishu.fake.visible import mentions_of
from tests.channels.feishu.harness import Harness, answer, open_harness, thought, tool, words
from thinkaloud.channels.platform.content import NoticeLine


@pytest.fixture
async def harness() -> AsyncGenerator[Harness]:
    async with open_harness() as harness:
        yield harness


async def test_a_thought_grows_in_an_open_panel_and_folds_above_the_answer(
    harness: Harness,
) -> None:
    await harness.show(thought("Six times seven."))
    assert harness.only == ("Thinking…\nSix times seven.\n[Stop]", "")
    await harness.show(thought("Six times seven. I know that one."))
    await harness.show(thought("Six times seven. I know that one.", closed=True), answer("It is "))
    assert harness.only == ("Thought for 4 s\nIt is\n[Stop]", "Six times seven. I know that one.")
    await harness.finish(
        thought("Six times seven. I know that one.", closed=True), answer("It is **42**.")
    )
    assert harness.only == ("Thought for 4 s\nIt is 42.", "Six times seven. I know that one.")
    assert not harness.streaming
    assert harness.server.refused == []


async def test_text_that_only_grows_is_streamed_into_its_element(harness: Harness) -> None:
    await harness.show(thought("One"))
    await harness.show(thought("One two"))
    await harness.show(thought("One two three"))
    assert harness.calls() == ["POST cards", "POST messages", "PUT content", "PUT content"]
    assert harness.streaming


async def test_only_an_answer_has_no_panel(harness: Harness) -> None:
    await harness.finish(answer("It is 42."))
    assert harness.only == ("It is 42.", "")


async def test_nothing_is_sent_before_there_is_something_to_read(harness: Harness) -> None:
    await harness.show()
    await harness.show(thought("", closed=True))
    assert harness.server.traffic == []


async def test_the_same_content_again_makes_no_call(harness: Harness) -> None:
    for _ in range(2):
        await harness.show(thought("I think so."), answer("Yes, "))
    for _ in range(2):
        await harness.finish(thought("I think so.", closed=True), answer("Yes, indeed."))
    assert harness.calls() == ["POST cards", "POST messages", f"PUT {card_id(harness)}"]


async def test_nothing_is_saved_for_a_delta(harness: Harness) -> None:
    await harness.show(thought("One"))
    before = harness.kept.saves
    await harness.show(thought("One two"))
    assert harness.kept.saves == before


async def test_the_notification_has_no_word_of_the_thought(harness: Harness) -> None:
    await harness.show(thought("A private thought"))
    [entity] = harness.server.cards.entities.values()
    assert entity.card["config"]["summary"] == {"content": "Thinking…"}
    await harness.finish(thought("A private thought", closed=True), answer("The **answer**."))
    assert entity.card["config"]["summary"] == {"content": "The answer."}


async def test_each_tool_has_a_line_in_its_place(harness: Harness) -> None:
    await harness.show(tool("running", "search the web"))
    assert harness.only[0] == "⏳ search the web\n[Stop]"
    await harness.finish(
        tool("failed", "search the web"),
        tool("done", name="t2"),
        NoticeLine("retried", "The host was slow."),
        answer("I found nothing."),
    )
    lines = "✗ search the web\n✓ read notes.txt\nℹ The host was slow."
    assert harness.only[0] == f"{lines}\nI found nothing."


async def test_a_stopped_run_says_so_and_has_no_button(harness: Harness) -> None:
    await harness.show(thought("Let me see"))
    await harness.finish(thought("Let me see", closed=True), closing="Stopped.")
    assert harness.only == ("Thought for 4 s\nStopped.", "Let me see")


async def test_folded_shows_the_thought_when_it_is_done(harness: Harness) -> None:
    await harness.show(thought(""), mode="folded")
    assert harness.only == ("Thinking…\n[Stop]", "")
    await harness.show(thought("Done thinking.", closed=True), answer("It"), mode="folded")
    assert harness.only == ("Thought for 4 s\nIt\n[Stop]", "Done thinking.")


async def test_on_request_shows_a_button_and_no_thought(harness: Harness) -> None:
    hidden = thought("", closed=True)
    await harness.show(thought(""), mode="on_request")
    assert harness.only == ("Thinking…\n[Stop]", "")
    await harness.show(hidden, answer("It is "), mode="on_request")
    await harness.finish(hidden, answer("It is 42."), mode="on_request")
    assert harness.only == ("Thought for 4 s\nIt is 42.\n[Show the thought]", "")


async def test_a_long_thought_shows_its_end_while_it_grows_and_all_of_it_when_it_is_folded(
    harness: Harness,
) -> None:
    text = "\n".join(words(20, 5) for _ in range(150))
    for end in range(500, len(text), 2_000):
        await harness.show(thought(text[:end]))
        assert text[:end].split()[-1] in harness.only[0]
    await harness.finish(thought(text, closed=True), answer("Done."))
    assert harness.only[0] == "Thought for 4 s\nDone."
    assert harness.only[1].split() == text.split()
    assert harness.server.refused == []


async def test_a_very_long_thought_continues_in_folded_cards_below_the_answer(
    harness: Harness,
) -> None:
    text = "\n".join(words(20, 5) for _ in range(450))
    await harness.show(thought(text[:3_000]))
    await harness.finish(thought(text, closed=True), answer("Done."))
    seen = [harness.seen(message) for message in harness.sent]
    assert [shown for shown, _ in seen] == ["Thought for 4 s\nDone.", *["Thought, continued"] * 2]
    assert " ".join(folded for _, folded in seen).split() == text.split()
    assert harness.server.refused == []


@pytest.mark.parametrize("text", ["思" * 30_000, "🧠" * 20_000, "x" * 90_000, "<*_>" * 20_000])
async def test_a_thought_without_spaces_fits_into_its_cards(harness: Harness, text: str) -> None:
    await harness.show(thought(text[:8_000]))
    await harness.finish(thought(text, closed=True), answer("Done."))
    assert harness.server.refused == []
    folded = "".join(harness.seen(message)[1] for message in harness.sent)
    assert text.startswith(folded.partition("\n…")[0])


async def test_a_long_answer_continues_in_further_cards_in_order(harness: Harness) -> None:
    text = "\n\n".join(words(90) for _ in range(150))
    for end in range(100, len(text), 9_000):
        await harness.show(answer(text[:end]))
        assert len(harness.sent) == 1
    await harness.finish(answer(text))
    shown = " ".join(harness.seen(message)[0] for message in harness.sent)
    assert shown.split() == text.split()
    assert len(harness.sent) > 3
    assert harness.server.refused == []


@pytest.mark.parametrize("text", ["思" * 30_000, "🧠" * 20_000, "x" * 90_000, "&<" * 10_000])
async def test_an_answer_without_spaces_fits_into_its_cards(harness: Harness, text: str) -> None:
    await harness.show(answer(text[:8_000]))
    await harness.finish(answer(text))
    assert harness.server.refused == []
    assert "".join(harness.seen(message)[0] for message in harness.sent).replace("\n", "") == text


async def test_an_answer_of_which_nothing_would_show_is_shown_as_it_is(harness: Harness) -> None:
    await harness.show(answer("[x]: https://example.org"))
    await harness.finish(answer("[x]: https://example.org"))
    assert harness.only == ("[x]: https://example.org", "")


async def test_a_code_block_that_is_cut_is_closed_and_opened_again(harness: Harness) -> None:
    code = "\n".join(f"print({number}, 'a line of code')" for number in range(1_200))
    await harness.finish(answer(f"Here:\n\n```python\n{code}\n```\n\nThat is all."))
    assert len(harness.sent) == 2
    shown = "\n".join(harness.seen(message)[0] for message in harness.sent)
    assert [line for line in shown.splitlines() if line.startswith("print")] == code.splitlines()
    assert "```" not in shown


async def test_more_tables_than_a_card_may_have_become_text(harness: Harness) -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    await harness.finish(answer(table * 3))
    assert "| a | b |" in harness.only[0]
    harness.kept.value = b"null"
    await harness.finish(answer(table * 12), run_id="run-2")
    assert "| a | b |" not in harness.seen(harness.sent[1])[0]
    assert harness.server.refused == []


async def test_two_hundred_tool_lines_between_answers_fit(harness: Harness) -> None:
    blocks = [
        each
        for number in range(150)
        for each in (tool(name=f"t{number}"), answer(f"Answer {number}.", name=f"a{number}"))
    ]
    await harness.show(*blocks)
    await harness.finish(*blocks)
    shown = "\n".join(harness.seen(message)[0] for message in harness.sent)
    assert all(f"Answer {number}." in shown for number in range(150))
    assert harness.server.refused == []


async def test_markup_and_mentions_in_model_text_are_inert(harness: Harness) -> None:
    hostile = (
        "<at id=all></at> <at email=a@b.c></at> <person id='ou_x'></person> <font color=red>x</font>"
        " `<at id=all></at>` :SMILE: *b* _i_ ~~s~~ [x](javascript:alert(1)) &lt;at id=all&gt;"
    )
    fenced = f"{hostile}\n\n```\n<at id=all></at>\n```\n\n| <at id=all> |\n|---|\n| <at id=all> |"
    await harness.show(thought(fenced), answer(fenced))
    await harness.finish(
        thought(fenced, closed=True), answer(fenced), tool(title=hostile), closing=hostile
    )
    await harness.platform.say(harness.chat, fenced, origin=harness.origin)
    for entity in harness.server.cards.entities.values():
        assert [found for card in entity.versions for found in mentions_of(card)] == []
    assert mentions_of(harness.sent[-1].content) == []
    assert not any("<at" in call or "<person" in call for call in harness.server.traffic)
    assert harness.seen(harness.sent[0])[1].startswith(hostile[:60])


def card_id(harness: Harness) -> str:
    [found] = harness.server.cards.entities
    return found
