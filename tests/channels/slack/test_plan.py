"""The rows of a plan: their details can only grow, because Slack appends to them."""

from hypothesis import given
from hypothesis import strategies as st

from tests.channels.slack.harness import thought, tool, words
from thinkaloud.channels.platform.content import ChatContent, ContentBlock
from thinkaloud.channels.slack.plan import FIELD, plan_of

_WORDS = st.sampled_from(
    ["a", "word", "sentence.", "Really?", "x" * 70, "y" * 300, "思考", "🧠" * 40, "\n", "\n\n", "…", "1:"]
)  # fmt: skip
TEXTS = st.lists(_WORDS, max_size=120).map(" ".join)


def content(*blocks: ContentBlock, final: bool = False) -> ChatContent:
    return ChatContent(run_id="run-1", mode="live", blocks=blocks, final=final)


@given(TEXTS, st.lists(st.integers(0, 3_000), max_size=6))
def test_details_only_grow_while_a_thought_grows(text: str, cuts: list[int]) -> None:
    sent: dict[str, str] = {}
    steps = [content(thought(text[:cut])) for cut in sorted(cuts)]
    for shown in (*steps, content(thought(text, closed=True), final=True)):
        for row in plan_of(shown).rows:
            assert row.details.startswith(sent.get(row.id, ""))
            sent[row.id] = row.details


@given(TEXTS.filter(str.strip))
def test_no_character_is_lost_and_no_field_is_too_long(text: str) -> None:
    plan = plan_of(content(thought(text, closed=True), final=True))
    shown = [row.title + row.details for row in plan.rows if row.id != "rest"]
    assert "".join("".join([*shown, plan.rest]).split()) == "".join(text.split())
    for row in plan.rows:
        for field in (row.title, row.details):
            assert len(field.encode("utf-16-le")) <= 2 * FIELD


def test_many_thoughts_and_tools_stay_within_what_a_message_may_have() -> None:
    blocks: list[ContentBlock] = []
    for number in range(80):
        blocks.append(thought(words(12), closed=True, name=f"r{number}"))
        blocks.append(tool(name=f"t{number}", title=f"look up word {number} " * 8))
    plan = plan_of(content(*blocks, final=True))
    assert len(plan.rows) <= 50
    assert sum(row.weight for row in plan.rows) <= 5_200
    assert plan.rest
