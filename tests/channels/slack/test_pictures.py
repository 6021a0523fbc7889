"""The pictures in the documentation show what the channel really sends."""

from collections.abc import AsyncGenerator

import pytest

from scripts.tree import ROOT
from tests.channels.slack.fake.drawing import drawn
from tests.channels.slack.harness import Harness, answer, open_harness, thought, tool

FIRST = "The question needs arithmetic. I won't do that in my head, so I use the calculator."
SECOND = "The calculator says 42. Now I can answer."


@pytest.fixture
async def harness() -> AsyncGenerator[Harness]:
    async with open_harness() as harness:
        yield harness


def page() -> str:
    return (ROOT / "docs" / "how-to" / "channels" / "slack.md").read_text(encoding="utf-8")


def on_page(picture: str) -> bool:
    return f"```text\n{picture}```\n" in page()


async def test_the_page_shows_a_live_plan_and_what_becomes_of_it(harness: Harness) -> None:
    calculation = tool(title="calculate 6 * 7")
    first = thought(FIRST, closed=True, ms=2_000)
    await harness.show(first, calculation, thought("The calculator says 42. Now ", name="r2"))
    live = drawn(harness.only, opened=True)
    second = thought(SECOND, closed=True, name="r2", ms=2_000)
    await harness.finish(first, calculation, second, answer("6 × 7 = **42**"))
    finished = drawn(harness.only, opened=False)
    assert on_page(live), live
    assert on_page(finished), finished


async def test_the_page_shows_an_answer_with_its_thought_on_request(harness: Harness) -> None:
    await harness.finish(thought("", closed=True), answer("6 × 7 = **42**"), mode="on_request")
    picture = drawn(harness.only, opened=False)
    assert on_page(picture), picture
