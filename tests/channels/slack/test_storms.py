"""Whatever fails on the way, a chat shows the complete answer once, with its thought folded."""

import random

import pytest

from tests.channels.slack.fake.server import Fault
from tests.channels.slack.harness import Harness, answer, open_harness, thought, tool, words
from thinkaloud.channels.platform.errors import RetryLater, Transient

METHODS = ("startStream", "appendStream", "stopStream", "postMessage", "update")
THOUGHT = words(150)
ANSWERS = (words(40), "\n\n".join(words(80) for _ in range(14)))


def fault(dice: random.Random) -> Fault:
    return dice.choice(
        [
            Fault.limited(dice.randint(1, 40)),
            Fault(502, "<html>Bad Gateway</html>", "text/html", after=dice.random() < 0.5),
            Fault(503, "busy", "text/plain"),
            Fault(200, "ok", "text/plain", after=dice.random() < 0.5),
            Fault(hang_up=True, after=dice.random() < 0.5),
            Fault.error("internal_error"),
        ]
    )


async def step(harness: Harness, dice: random.Random, share: float, text: str) -> None:
    """Show this share of the run, while something happens to it."""
    match dice.randrange(8):
        case 0:
            await harness.platform.close()
            harness.platform = harness.new_platform()
        case 1:
            harness.clock.now_ms += dice.choice((1_000, 60_000, 250_000, 320_000))
        case 2:
            harness.pace.exhausted = {dice.choice(("start", "append", "stop", "update"))}
        case 3 | 4 | 5:
            harness.slack.fail(f"chat.{dice.choice(METHODS)}", fault(dice))
        case _:
            harness.pace.exhausted = set()
    shown = min(1.0, 2 * share)
    blocks = [thought(THOUGHT[: int(len(THOUGHT) * shown)], closed=shown == 1.0)]
    if shown == 1.0:
        blocks += [tool(), answer(text[: int(len(text) * (2 * share - 1))])]
    try:
        await harness.show(*blocks)
    except (RetryLater, Transient):
        harness.clock.now_ms += 2_000


@pytest.mark.parametrize("seed", range(40))
async def test_the_final_is_complete_after_any_storm(seed: int) -> None:
    dice = random.Random(seed)
    text = dice.choice(ANSWERS)
    async with open_harness() as harness:
        harness.slack.streams.enabled = dice.random() < 0.85
        for number in range(14):
            await step(harness, dice, number / 14, text)
        harness.pace.exhausted = set()
        for _ in range(40):
            try:
                if await harness.show(
                    thought(THOUGHT, closed=True),
                    tool(),
                    answer(text, closed=True),
                    final=True,
                    status="completed",
                ):
                    break
                harness.clock.now_ms += 1_000
            except (RetryLater, Transient):
                harness.clock.now_ms += 41_000
        else:
            raise AssertionError(harness.slack.errors)
        visible = "\n".join(message.visible for message in harness.sent)
        body = visible.split("Thought for 4 s", 1)[1].replace("✓ read notes.txt", "")
        assert body.split() == text.split()
        folded = " ".join(message.folded for message in harness.sent).replace("read notes.txt", "")
        assert folded.split() == THOUGHT.split()
        assert all(not message.stream or not message.stream.open for message in harness.sent)
        refused = {error for _, error in harness.slack.errors}
        expected = {"fault", "unknown_method", "message_not_in_streaming_state", "ratelimited"}
        assert refused <= expected
