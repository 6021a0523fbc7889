"""The pictures in the documentation show what the channel really sends."""

from collections.abc import AsyncGenerator

import pytest

from scripts.tree import ROOT
from tests.channels.slack.fake.drawing import drawn
from tests.channels.slack.staging import Stage, answer, staged, thought, tool

FIRST = "The question needs arithmetic. I won't do that in my head, so I use the calculator."
SECOND = "The calculator says 42. Now I can answer."


@pytest.fixture
async def stage() -> AsyncGenerator[Stage]:
    async with staged() as stage:
        yield stage


def page() -> str:
    return (ROOT / "docs" / "how-to" / "channels" / "slack.md").read_text(encoding="utf-8")


def on_page(picture: str) -> bool:
    return f"```text\n{picture}```\n" in page()


async def test_the_page_shows_a_live_plan_and_what_becomes_of_it(stage: Stage) -> None:
    calculation = tool(title="calculate 6 * 7")
    first = thought(FIRST, closed=True, ms=2_000)
    await stage.show(first, calculation, thought("The calculator says 42. Now ", name="r2"))
    live = drawn(stage.only, opened=True)
    second = thought(SECOND, closed=True, name="r2", ms=2_000)
    await stage.finish(first, calculation, second, answer("6 × 7 = **42**"))
    finished = drawn(stage.only, opened=False)
    assert on_page(live), live
    assert on_page(finished), finished


async def test_the_page_shows_an_answer_with_its_thought_on_request(stage: Stage) -> None:
    await stage.finish(thought("", closed=True), answer("6 × 7 = **42**"), mode="on_request")
    picture = drawn(stage.only, opened=False)
    assert on_page(picture), picture
