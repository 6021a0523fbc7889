"""Whatever fails in between, the chat ends up with the complete answer, once."""

import random

import pytest

from tests.channels.discord.fake.server import Fault
from tests.channels.discord.harness import Harness, answer, open_harness, thought
from thinkaloud.channels.platform.content import ContentBlock
from thinkaloud.channels.platform.errors import RetryLater, Transient

WORDS = [f"word{n}" for n in range(900)]


@pytest.mark.parametrize("seed", range(20))
async def test_a_troubled_run_ends_with_the_whole_answer_once(seed: int) -> None:
    dice = random.Random(seed)
    async with open_harness() as harness:
        length = 0
        while length < len(WORDS):
            length += dice.randrange(1, 120)
            await trouble(harness, dice)
            try:
                await harness.show(*blocks(length))
            except (RetryLater, Transient):
                harness.clock.pass_seconds(1)
        await trouble(harness, dice)
        await harness.finish(*blocks(len(WORDS), closed=True))
        shown = " ".join(each.visible for each in harness.seen).split()
        assert [word for word in shown if word.startswith("word")] == WORDS
        assert [each.folded for each in harness.seen if each.folded] == ["Hm, hm, and hm."]
        assert sum(each.notifies for each in harness.seen) == 1
        assert not any(each.buttons for each in harness.seen)
        assert harness.server.rates.violations == []


async def trouble(harness: Harness, dice: random.Random) -> None:
    match dice.randrange(8):
        case 0:
            harness.server.faults.append(Fault(429, dice.random() * 5))
        case 1:
            harness.server.faults.append(Fault(502))
        case 2:
            harness.server.faults.append(Fault(200, after=True))
        case 3:
            await harness.platform.close()
            harness.platform = harness.new_platform()
        case 4:
            harness.clock.pass_seconds(dice.random() * 4)
        case _:
            pass


def blocks(length: int, *, closed: bool = False) -> list[ContentBlock]:
    text = " ".join(WORDS[:length])
    return [thought("Hm, hm, and hm.", closed=length > 100), answer(text, closed=closed)]
