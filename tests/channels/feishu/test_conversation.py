"""Conversations in Feishu, with the layer: buttons, menus, files, threads and lost connections."""

import asyncio

from tests.channels.feishu.driver import feishu_driver
from tests.channels.feishu.fake.visible import buttons
from tests.channels.platform.driver import ADA, GROUP, DriverSetup, folded_of, text_of, until
from thinkaloud.providers.scripted import Silence, Wait, say, think

ALLOWED = {"allow_from": [ADA], "allow_groups": [GROUP]}


async def test_in_a_group_the_thought_is_shown_to_the_person_who_presses_the_button() -> None:
    setup = DriverSetup({**ALLOWED, "group_thinking": "on_request"})
    async with feishu_driver(setup, [think("A quiet thought."), say("Here.")]) as driver:
        await driver.person_says("Bot?", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "Here." in text_of(driver, driver.group))
        await driver.lab.channel.quiet()
        [message] = driver.server.chats.by_bot(driver.group)
        await driver.writer.presses(driver.stranger, message, "Show the thought")
        await driver.writer.presses(driver.ada, message, "Show the thought")
        await until(driver, lambda: "quiet thought" in text_of(driver, driver.group))
        await driver.lab.channel.quiet()
        whispered = [each for each in driver.shown(driver.group) if each.private_to]
        assert [(each.private_to, each.notifies) for each in whispered] == [(driver.ada, False)]


async def test_only_people_who_may_can_press_stop() -> None:
    setup = DriverSetup({**ALLOWED, "group_thinking": "live"})
    async with feishu_driver(setup, [say("Half"), Silence()]) as driver:
        await driver.person_says("Bot?", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "Half" in text_of(driver, driver.group))
        [message] = driver.server.chats.by_bot(driver.group)
        await driver.writer.presses(driver.stranger, message, "Stop")
        assert driver.lab.channel.status.pending == 1
        await driver.writer.presses(driver.ada, message, "Stop")
        await until(driver, lambda: "Stopped." in text_of(driver, driver.group))
        await driver.lab.channel.quiet()
        assert buttons(driver.card(message)) == {}


async def test_a_stop_button_that_was_forwarded_stops_nothing_for_others() -> None:
    setup = DriverSetup({"allow_from": ["*"]})
    async with feishu_driver(setup, [say("Half"), Silence()]) as driver:
        await driver.person_says("Go", sender=driver.ada)
        await until(driver, lambda: "Half" in text_of(driver, driver.ada))
        [message] = driver.server.chats.by_bot(driver.server.chats.direct[driver.ada])
        await driver.writer.presses(driver.stranger, message, "Stop")
        assert driver.lab.channel.status.pending == 1


async def test_an_entry_of_the_menu_is_a_command() -> None:
    async with feishu_driver(DriverSetup(ALLOWED), [say("One.")], [say("Two.")]) as driver:
        await driver.person_says("First", sender=driver.ada)
        await until(driver, lambda: "One." in text_of(driver, driver.ada))
        await driver.writer.chooses(driver.ada, "new")
        await until(driver, lambda: "new conversation" in text_of(driver, driver.ada))
        await driver.person_says("Second", sender=driver.ada)
        await until(driver, lambda: "Two." in text_of(driver, driver.ada))
        assert "First" not in str(driver.lab.model.requests[-1])


async def test_a_reply_to_the_bot_is_answered_without_a_mention() -> None:
    async with feishu_driver(DriverSetup(ALLOWED), [say("One.")], [say("Two.")]) as driver:
        await driver.person_says("Bot?", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "One." in text_of(driver, driver.group))
        await driver.lab.channel.quiet()
        [message] = driver.server.chats.by_bot(driver.group)
        await driver.writer.writes(
            driver.ada, "And?", group=driver.group, reply_to=message.message_id
        )
        await until(driver, lambda: "Two." in text_of(driver, driver.group))


async def test_a_text_file_reaches_the_model() -> None:
    async with feishu_driver(DriverSetup(ALLOWED), [say("Read.")]) as driver:
        driver.server.files["file_1"] = b"the content of the file"
        content = {"file_key": "file_1", "file_name": "notes.txt"}
        await driver.writer.writes(driver.ada, "", kind="file", content=content)
        await until(driver, lambda: "Read." in text_of(driver, driver.ada))
        assert "the content of the file" in str(driver.lab.model.requests[0])


async def test_typing_is_shown_until_the_answer_is_there() -> None:
    go = asyncio.Event()
    async with feishu_driver(DriverSetup(ALLOWED), [Wait(go), say("Here.")]) as driver:
        await driver.person_says("Bot?", sender=driver.ada)
        question = next(iter(driver.server.chats.messages.values()))
        await until(driver, lambda: list(question.reactions.values()) == ["Typing"])
        go.set()
        await until(driver, lambda: not question.reactions)
        await driver.lab.channel.quiet()
        assert "Here." in text_of(driver, driver.ada)


async def test_a_lost_connection_loses_no_answer_and_no_later_message() -> None:
    go = asyncio.Event()
    scripts = ([think("Hm."), Wait(go), say("One.")], [say("Two.")])
    async with feishu_driver(DriverSetup(ALLOWED), *scripts) as driver:
        await driver.person_says("First", sender=driver.ada)
        await until(driver, lambda: "Hm." in text_of(driver, driver.ada))
        await driver.server.sockets.drop()
        go.set()
        await driver.person_says("Second", sender=driver.ada)
        await until(driver, lambda: "Two." in text_of(driver, driver.ada))
        await driver.lab.channel.quiet()
        assert "One." in text_of(driver, driver.ada)
        assert folded_of(driver, driver.ada).strip() == "Hm."


async def test_a_server_that_is_stopped_and_started_settles_the_card_it_left_streaming() -> None:
    setup = DriverSetup(ALLOWED)
    async with feishu_driver(setup, [think("Hm."), Silence()]) as driver:
        await driver.person_says("Go", sender=driver.ada)
        await until(driver, lambda: "Hm." in text_of(driver, driver.ada))
        await driver.restart()
        await driver.lab.channel.quiet()
        [entity] = driver.server.cards.entities.values()
        assert not driver.server.cards.is_streaming(entity)
        assert folded_of(driver, driver.ada).strip() == "Hm."
