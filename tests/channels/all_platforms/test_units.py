"""Limits count in UTF-16 or bytes: text outside the basic plane needs twice the room, and arrives whole."""

import pytest

from tests.channels.all_platforms.test_crashes import OPEN
from tests.channels.platform.driver import DriverSetup, folded_of, text_of, until
from thinkaloud.providers.scripted import say, think

WORDS = [f"😀😀😀{number:04}😀😀😀" for number in range(1600)]
TEXT = " ".join(WORDS)
NUMBERS = [f"{number:04}" for number in range(1600)]


def numbers(text: str) -> list[str]:
    return [part for part in text.replace("😀", " ").split() if part.isdigit() and len(part) == 4]


@pytest.mark.parametrize("platform", OPEN)
async def test_a_long_answer_and_thought_of_emoji_keep_within_the_limits(platform: str) -> None:
    setup = DriverSetup({"allow_from": ["*"]})
    async with OPEN[platform](setup, [think(TEXT), say(TEXT)]) as driver:
        await driver.person_says("Go", sender=driver.ada)
        await until(driver, lambda: "1599" in text_of(driver, driver.ada))
        await driver.lab.channel.quiet()
        assert numbers(text_of(driver, driver.ada)) == NUMBERS
        folded = numbers(folded_of(driver, driver.ada))
        assert folded == NUMBERS[: len(folded)]
