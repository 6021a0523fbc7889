"""What leaves the server of a thought, by the mode of a direct chat."""

import asyncio

import pytest

from tests.channels.all_platforms.test_crashes import OPEN
from tests.channels.platform.driver import Driver, DriverSetup, text_of, until
from thinkaloud.providers.scripted import Wait, say, think

CANARY = "canary7f3a91"


def has_left(driver: Driver) -> bool:
    return any(CANARY in call for call in driver.traffic())


@pytest.mark.parametrize("platform", OPEN)
async def test_with_reasoning_off_no_byte_of_a_thought_leaves_even_on_request(
    platform: str,
) -> None:
    setup = DriverSetup({"allow_from": ["*"], "thinking": "off"})
    async with OPEN[platform](setup, [think(CANARY), say("Blue.")]) as driver:
        await driver.person_says("Why?", sender=driver.ada)
        await until(driver, lambda: "Blue." in text_of(driver, driver.ada))
        await driver.person_says("/why", sender=driver.ada)
        await until(driver, lambda: "Reasoning is off" in text_of(driver, driver.ada))
        await driver.lab.channel.quiet()
        assert not has_left(driver)
        assert "Thought for" not in text_of(driver, driver.ada)


@pytest.mark.parametrize("platform", OPEN)
async def test_folded_reasoning_leaves_only_when_the_thought_has_ended(platform: str) -> None:
    go = asyncio.Event()
    script = [think(CANARY), Wait(go), think(" and more."), say("Blue.")]
    setup = DriverSetup({"allow_from": ["*"], "thinking": "folded"})
    async with OPEN[platform](setup, script) as driver:
        before = len(driver.traffic())
        await driver.person_says("Why?", sender=driver.ada)
        await until(driver, lambda: driver.lab.channel.status.pending == 1)
        if driver.live_thoughts:
            await until(driver, lambda: len(driver.traffic()) > before)
        assert not has_left(driver)
        go.set()
        await until(driver, lambda: "Blue." in text_of(driver, driver.ada))
        await driver.lab.channel.quiet()
        assert has_left(driver)
