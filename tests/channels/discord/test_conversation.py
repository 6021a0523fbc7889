"""Conversations in Discord with the layer: what the contract suite doesn't cover."""

from tests.channels.discord.driver import DiscordDriver, discord_driver
from tests.channels.discord.fake.people import People
from tests.channels.discord.fake.places import GENERAL, GUILD, THREAD
from tests.channels.platform.driver import ADA, DriverSetup, text_of, until
from thinkaloud.providers.scripted import Silence, say, think


async def test_a_whole_server_can_be_allowed_by_its_id() -> None:
    setup = DriverSetup({"allow_from": [ADA], "allow_groups": [GUILD]})
    async with discord_driver(setup, [say("Here.")], [say("And here.")]) as driver:
        await driver.person_says("Bot?", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "Here." in text_of(driver, driver.group))
        await people(driver).says(driver.ada, "And here?", THREAD, mention=True)
        await until(driver, lambda: shown(driver, THREAD) == ["And here."])
        await people(driver).uses(driver.ada, "help", GENERAL)
        await until(driver, lambda: "Commands" in text_of(driver, driver.group))


async def test_another_server_is_not_allowed_and_its_commands_are_refused() -> None:
    setup = DriverSetup({"allow_from": ["*"], "allow_groups": ["700000000000000009"]})
    async with discord_driver(setup, [say("Only here.")]) as driver:
        await driver.person_says("Bot?", sender=driver.ada, group=True, mention=True)
        used = await people(driver).uses(driver.ada, "new", GENERAL)
        await until(driver, lambda: used.response == 4)
        await driver.person_says("Hi", sender=driver.ada)
        await until(driver, lambda: "Only here." in text_of(driver, driver.ada))
        assert len(driver.lab.model.requests) == 1


async def test_why_as_a_slash_command_in_a_server_is_for_the_person_alone() -> None:
    setup = DriverSetup(
        {"allow_from": ["*"], "allow_groups": ["*"], "group_thinking": "on_request"}
    )
    async with discord_driver(setup, [think("Because of Rayleigh."), say("Blue.")]) as driver:
        await driver.person_says("Why?", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "Blue." in text_of(driver, driver.group))
        await driver.lab.channel.quiet()
        assert not any("Rayleigh" in call for call in driver.traffic())
        await people(driver).uses(driver.ada, "why", GENERAL)
        await until(driver, lambda: "Rayleigh" in text_of(driver, driver.group))
        [reply] = [each for each in driver.shown(driver.group) if "Rayleigh" in each.text]
        assert reply.private_to == driver.ada


async def test_why_as_a_message_in_a_server_points_to_a_direct_message() -> None:
    setup = DriverSetup(
        {"allow_from": ["*"], "allow_groups": ["*"], "group_thinking": "on_request"}
    )
    async with discord_driver(setup, [think("Because of Rayleigh."), say("Blue.")]) as driver:
        await driver.person_says("Why?", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "Blue." in text_of(driver, driver.group))
        await driver.person_says("!why", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "direct message" in text_of(driver, driver.group))
        assert not any("Rayleigh" in call for call in driver.traffic())


async def test_the_why_button_shows_the_thought_of_its_own_run() -> None:
    setup = DriverSetup({"allow_from": ["*"], "thinking": "on_request"})
    scripts = [[think("First."), say("One.")], [think("Second."), say("Two.")]]
    async with discord_driver(setup, *scripts) as driver:
        for answer in ("One.", "Two."):
            await driver.person_says("Go", sender=driver.ada)
            await until(driver, lambda word=answer: word in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
        channel = driver.server.places.direct_channel(driver.ada)
        first = next(m for m in driver.server.places.seen(channel) if m.buttons)
        await people(driver).presses(driver.ada, first, next(iter(first.buttons)))
        await until(driver, lambda: "First." in text_of(driver, driver.ada))
        assert "Second." not in text_of(driver, driver.ada)


async def test_only_people_who_are_allowed_can_press_stop() -> None:
    setup = DriverSetup({"allow_from": [ADA], "allow_groups": ["*"]})
    async with discord_driver(setup, [say("Half"), Silence()]) as driver:
        await driver.person_says("Go", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "Half" in text_of(driver, driver.group))
        [message] = driver.server.places.seen(GENERAL)
        [action] = message.buttons
        refused = await people(driver).presses(driver.stranger, message, action)
        await until(driver, lambda: refused.response == 4)
        assert driver.lab.channel.status.pending == 1
        await people(driver).presses(driver.ada, message, action)
        await until(driver, lambda: "Stopped." in text_of(driver, driver.group))


async def test_a_stranger_can_ask_for_a_code_with_a_slash_command() -> None:
    async with discord_driver(DriverSetup({"allow_from": []})) as driver:
        await people(driver).uses(driver.stranger, "help")
        await until(driver, lambda: "channels pair" in text_of(driver, driver.stranger))


def people(driver: DiscordDriver) -> People:
    return People(driver.server)


def shown(driver: DiscordDriver, channel: str) -> list[str]:
    return [message.visible for message in driver.server.places.seen(channel)]
