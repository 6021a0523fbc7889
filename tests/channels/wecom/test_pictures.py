"""The messages in the documentation are what the channel really sends."""

from scripts.tree import ROOT
from tests.channels.wecom.harness import answer, open_harness, thought, tool

FIRST = "The question needs arithmetic. I use the calculator."
SECOND = "The calculator says 42. Now I can answer."


def on_page(text: str) -> bool:
    page = ROOT / "docs" / "how-to" / "channels" / "wecom.md"
    return f"```text\n{text}\n```\n" in page.read_text(encoding="utf-8")


async def test_the_page_shows_a_live_thought_and_what_becomes_of_it() -> None:
    async with open_harness() as harness:
        await harness.asked()
        calculation = tool(title="calculate 6 * 7")
        first = thought(FIRST, closed=True, ms=2_000)
        await harness.show(first, calculation, thought("The calculator says 42. Now ", name="r2"))
        [live] = harness.contents
        assert on_page(live), live
        second = thought(SECOND, closed=True, name="r2", ms=2_000)
        await harness.finish(first, calculation, second, answer("6 × 7 = **42**"))
        [finished] = harness.contents
        assert on_page(finished), finished
