"""Buttons and stop buttons, with the layer that decides who may use them."""

import pytest

from tests.channels.platform.driver import DriverSetup, text_of, until
from tests.channels.slack.driver import SlackDriver, slack_driver
from thinkaloud.providers.scripted import Silence, say, think

CANARY = "canary7f3a91"


def asking(**settings: object) -> DriverSetup:
    return DriverSetup(
        {"allow_from": ["@ada"], "allow_groups": ["*"], "thinking": "on_request", **settings}
    )


async def press(driver: SlackDriver, sender: str, *, group: bool) -> None:
    channel = driver.group if group else driver.people_of.direct(sender)
    message = next(each for each in driver.workspace.by_bot(channel) if each.buttons)
    await driver.people_of.presses(sender, message, message.buttons[0]["action_id"])


@pytest.mark.parametrize("group", [False, True])
async def test_the_button_shows_the_thought_to_the_person_who_presses_it(group: bool) -> None:
    setup = asking(group_thinking="on_request")
    async with slack_driver(setup, [think(CANARY), say("Blue.")]) as driver:
        chat = driver.group if group else driver.ada
        await driver.person_says("Why?", sender=driver.ada, group=group, mention=group)
        await until(driver, lambda: "[Show the thought]" in text_of(driver, chat))
        await driver.lab.channel.quiet()
        await press(driver, driver.ada, group=group)
        await until(driver, lambda: CANARY in text_of(driver, chat))
        shown = driver.shown(chat)[-1]
        assert shown.private_to == (driver.ada if group else None)


async def test_the_button_shows_nothing_to_somebody_who_is_not_allowed() -> None:
    setup = asking(group_thinking="on_request")
    async with slack_driver(setup, [think(CANARY), say("Blue.")], [say("Yes.")]) as driver:
        await driver.person_says("Why?", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "[Show the thought]" in text_of(driver, driver.group))
        await driver.lab.channel.quiet()
        await press(driver, driver.stranger, group=True)
        await driver.person_says("Still there?", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "Yes." in text_of(driver, driver.group))
        assert not any(CANARY in call for call in driver.traffic())


async def test_the_stop_button_of_somebody_who_is_not_allowed_stops_no_run() -> None:
    script = [say("Half an answer"), Silence()]
    async with slack_driver(asking(), script) as driver:
        await driver.person_says("Go", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "Half an answer" in text_of(driver, driver.group))
        thread = driver.workspace.by_bot(driver.group)[0].thread_ts
        await driver.people_of.presses_stop(driver.stranger, driver.group, thread)
        await until(driver, lambda: not driver.slack.unacknowledged)
        assert driver.lab.channel.status.pending == 1
        await driver.people_of.presses_stop(driver.ada, driver.group, thread)
        await until(driver, lambda: "Stopped." in text_of(driver, driver.group))
