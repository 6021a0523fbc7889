"""The pictures in the documentation show what the channel really sends."""

from scripts.tree import ROOT
from tests.channels.feishu.fake.visible import elements, visible
from tests.channels.feishu.harness import Harness, answer, open_harness, thought, tool

FIRST = "The question needs arithmetic. I won't do that in my head."


def drawn(harness: Harness) -> str:
    """The only card as text, with its panel as it is."""
    [entity] = harness.server.cards.entities.values()
    lines: list[str] = []
    for each in elements(entity.card):
        shown, _ = visible({"elements": [each]})
        if each["tag"] == "collapsible_panel":
            title, *inner = shown.splitlines()
            lines.append(f"{title} {'⌃' if each['expanded'] else '⌄'}")
            lines += [f"  {line}" for line in inner]
        else:
            lines.append(shown)
    return "\n".join(lines) + "\n"


async def test_the_page_shows_a_live_card_and_what_becomes_of_it() -> None:
    page = (ROOT / "docs" / "how-to" / "channels" / "feishu.md").read_text(encoding="utf-8")
    async with open_harness() as harness:
        await harness.show(thought(FIRST), tool("running", "calculate 6 * 7"))
        live = drawn(harness)
        done = thought(FIRST, closed=True)
        await harness.finish(done, tool("done", "calculate 6 * 7"), answer("6 × 7 = **42**"))
        assert f"```text\n{live}```" in page, live
        assert f"```text\n{drawn(harness)}```" in page, drawn(harness)
