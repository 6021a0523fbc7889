"""What a person sees of a run in Feishu."""

from collections.abc import AsyncGenerator

import pytest

from tests.channels.feishu.fake.visible import mentions_of
from tests.channels.feishu.stage import Stage, answer, staged, thought, tool, words
from thinkaloud.channels.platform.content import NoticeLine


@pytest.fixture
async def stage() -> AsyncGenerator[Stage]:
    async with staged() as stage:
        yield stage


async def test_a_thought_grows_in_an_open_panel_and_folds_above_the_answer(stage: Stage) -> None:
    await stage.show(thought("Six times seven."))
    assert stage.only == ("Thinking…\nSix times seven.\n[Stop]", "")
    await stage.show(thought("Six times seven. I know that one."))
    await stage.show(thought("Six times seven. I know that one.", closed=True), answer("It is "))
    assert stage.only == ("Thought for 4 s\nIt is\n[Stop]", "Six times seven. I know that one.")
    await stage.finish(
        thought("Six times seven. I know that one.", closed=True), answer("It is **42**.")
    )
    assert stage.only == ("Thought for 4 s\nIt is 42.", "Six times seven. I know that one.")
    assert not stage.streaming
    assert stage.server.refused == []


async def test_text_that_only_grows_is_streamed_into_its_element(stage: Stage) -> None:
    await stage.show(thought("One"))
    await stage.show(thought("One two"))
    await stage.show(thought("One two three"))
    assert stage.calls() == ["POST cards", "POST messages", "PUT content", "PUT content"]
    assert stage.streaming


async def test_only_an_answer_has_no_panel(stage: Stage) -> None:
    await stage.finish(answer("It is 42."))
    assert stage.only == ("It is 42.", "")


async def test_nothing_is_sent_before_there_is_something_to_read(stage: Stage) -> None:
    await stage.show()
    await stage.show(thought("", closed=True))
    assert stage.server.traffic == []


async def test_the_same_content_again_makes_no_call(stage: Stage) -> None:
    for _ in range(2):
        await stage.show(thought("I think so."), answer("Yes, "))
    for _ in range(2):
        await stage.finish(thought("I think so.", closed=True), answer("Yes, indeed."))
    assert stage.calls() == ["POST cards", "POST messages", f"PUT {card_id(stage)}"]


async def test_nothing_is_saved_for_a_delta(stage: Stage) -> None:
    await stage.show(thought("One"))
    before = stage.kept.saves
    await stage.show(thought("One two"))
    assert stage.kept.saves == before


async def test_the_notification_has_no_word_of_the_thought(stage: Stage) -> None:
    await stage.show(thought("A private thought"))
    [entity] = stage.server.cards.entities.values()
    assert entity.card["config"]["summary"] == {"content": "Thinking…"}
    await stage.finish(thought("A private thought", closed=True), answer("The **answer**."))
    assert entity.card["config"]["summary"] == {"content": "The answer."}


async def test_each_tool_has_a_line_in_its_place(stage: Stage) -> None:
    await stage.show(tool("running", "search the web"))
    assert stage.only[0] == "⏳ search the web\n[Stop]"
    await stage.finish(
        tool("failed", "search the web"),
        tool("done", name="t2"),
        NoticeLine("retried", "The host was slow."),
        answer("I found nothing."),
    )
    lines = "✗ search the web\n✓ read notes.txt\nℹ The host was slow."
    assert stage.only[0] == f"{lines}\nI found nothing."


async def test_a_stopped_run_says_so_and_has_no_button(stage: Stage) -> None:
    await stage.show(thought("Let me see"))
    await stage.finish(thought("Let me see", closed=True), closing="Stopped.")
    assert stage.only == ("Thought for 4 s\nStopped.", "Let me see")


async def test_folded_shows_the_thought_when_it_is_done(stage: Stage) -> None:
    await stage.show(thought(""), mode="folded")
    assert stage.only == ("Thinking…\n[Stop]", "")
    await stage.show(thought("Done thinking.", closed=True), answer("It"), mode="folded")
    assert stage.only == ("Thought for 4 s\nIt\n[Stop]", "Done thinking.")


async def test_on_request_shows_a_button_and_no_thought(stage: Stage) -> None:
    hidden = thought("", closed=True)
    await stage.show(thought(""), mode="on_request")
    assert stage.only == ("Thinking…\n[Stop]", "")
    await stage.show(hidden, answer("It is "), mode="on_request")
    await stage.finish(hidden, answer("It is 42."), mode="on_request")
    assert stage.only == ("Thought for 4 s\nIt is 42.\n[Show the thought]", "")


async def test_a_long_thought_shows_its_end_while_it_grows_and_all_of_it_when_it_is_folded(
    stage: Stage,
) -> None:
    text = "\n".join(words(20, 5) for _ in range(150))
    for end in range(500, len(text), 2_000):
        await stage.show(thought(text[:end]))
        assert text[:end].split()[-1] in stage.only[0]
    await stage.finish(thought(text, closed=True), answer("Done."))
    assert stage.only[0] == "Thought for 4 s\nDone."
    assert stage.only[1].split() == text.split()
    assert stage.server.refused == []


async def test_a_very_long_thought_continues_in_folded_cards_below_the_answer(stage: Stage) -> None:
    text = "\n".join(words(20, 5) for _ in range(450))
    await stage.show(thought(text[:3_000]))
    await stage.finish(thought(text, closed=True), answer("Done."))
    seen = [stage.seen(message) for message in stage.sent]
    assert [shown for shown, _ in seen] == ["Thought for 4 s\nDone.", *["Thought, continued"] * 2]
    assert " ".join(folded for _, folded in seen).split() == text.split()
    assert stage.server.refused == []


@pytest.mark.parametrize("text", ["思" * 30_000, "🧠" * 20_000, "x" * 90_000, "<*_>" * 20_000])
async def test_a_thought_without_spaces_fits_into_its_cards(stage: Stage, text: str) -> None:
    await stage.show(thought(text[:8_000]))
    await stage.finish(thought(text, closed=True), answer("Done."))
    assert stage.server.refused == []
    folded = "".join(stage.seen(message)[1] for message in stage.sent)
    assert text.startswith(folded.partition("\n…")[0])


async def test_a_long_answer_continues_in_further_cards_in_order(stage: Stage) -> None:
    text = "\n\n".join(words(90) for _ in range(150))
    for end in range(100, len(text), 9_000):
        await stage.show(answer(text[:end]))
        assert len(stage.sent) == 1
    await stage.finish(answer(text))
    shown = " ".join(stage.seen(message)[0] for message in stage.sent)
    assert shown.split() == text.split()
    assert len(stage.sent) > 3
    assert stage.server.refused == []


@pytest.mark.parametrize("text", ["思" * 30_000, "🧠" * 20_000, "x" * 90_000, "&<" * 10_000])
async def test_an_answer_without_spaces_fits_into_its_cards(stage: Stage, text: str) -> None:
    await stage.show(answer(text[:8_000]))
    await stage.finish(answer(text))
    assert stage.server.refused == []
    assert "".join(stage.seen(message)[0] for message in stage.sent).replace("\n", "") == text


async def test_an_answer_of_which_nothing_would_show_is_shown_as_it_is(stage: Stage) -> None:
    await stage.show(answer("[x]: https://example.org"))
    await stage.finish(answer("[x]: https://example.org"))
    assert stage.only == ("[x]: https://example.org", "")


async def test_a_code_block_that_is_cut_is_closed_and_opened_again(stage: Stage) -> None:
    code = "\n".join(f"print({number}, 'a line of code')" for number in range(1_200))
    await stage.finish(answer(f"Here:\n\n```python\n{code}\n```\n\nThat is all."))
    assert len(stage.sent) == 2
    shown = "\n".join(stage.seen(message)[0] for message in stage.sent)
    assert [line for line in shown.splitlines() if line.startswith("print")] == code.splitlines()
    assert "```" not in shown


async def test_more_tables_than_a_card_may_have_become_text(stage: Stage) -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    await stage.finish(answer(table * 3))
    assert "| a | b |" in stage.only[0]
    stage.kept.value = b"null"
    await stage.finish(answer(table * 12), run_id="run-2")
    assert "| a | b |" not in stage.seen(stage.sent[1])[0]
    assert stage.server.refused == []


async def test_two_hundred_tool_lines_between_answers_fit(stage: Stage) -> None:
    blocks = [
        each
        for number in range(150)
        for each in (tool(name=f"t{number}"), answer(f"Answer {number}.", name=f"a{number}"))
    ]
    await stage.show(*blocks)
    await stage.finish(*blocks)
    shown = "\n".join(stage.seen(message)[0] for message in stage.sent)
    assert all(f"Answer {number}." in shown for number in range(150))
    assert stage.server.refused == []


async def test_markup_and_mentions_in_model_text_are_inert(stage: Stage) -> None:
    hostile = (
        "<at id=all></at> <at email=a@b.c></at> <person id='ou_x'></person> <font color=red>x</font>"
        " `<at id=all></at>` :SMILE: *b* _i_ ~~s~~ [x](javascript:alert(1)) &lt;at id=all&gt;"
    )
    fenced = f"{hostile}\n\n```\n<at id=all></at>\n```\n\n| <at id=all> |\n|---|\n| <at id=all> |"
    await stage.show(thought(fenced), answer(fenced))
    await stage.finish(
        thought(fenced, closed=True), answer(fenced), tool(title=hostile), closing=hostile
    )
    await stage.platform.say(stage.chat, fenced, origin=stage.origin)
    for entity in stage.server.cards.entities.values():
        assert [found for card in entity.versions for found in mentions_of(card)] == []
    assert mentions_of(stage.sent[-1].content) == []
    assert not any("<at" in call or "<person" in call for call in stage.server.traffic)
    assert stage.seen(stage.sent[0])[1].startswith(hostile[:60])


def card_id(stage: Stage) -> str:
    [found] = stage.server.cards.entities
    return found
