"""What people write in Discord, as the layer receives it."""

import pytest

from tests.channels.discord.fake.places import BOT, GENERAL, THREAD
from tests.channels.discord.harness import ADA, EVE, Harness, open_harness, receiving, thought
from thinkaloud.channels.platform.errors import Rejected
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Sender


async def test_a_direct_message_arrives_with_its_stable_ids() -> None:
    async with open_harness() as harness, receiving(harness):
        harness.server.places.names[ADA] = "Ada"
        sent = await harness.people.says(ADA, "Why is the sky blue?")
        [message] = await received(harness)
        assert message.chat == ChatAddress("discord", harness.chat.chat_id)
        assert message.sender == Sender(ADA, "Ada")
        assert (message.message_id, message.text) == (sent.id, "Why is the sky blue?")
        assert not message.is_group
        assert message.sent_at_ms == 1_790_000_000_000 + harness.clock.now


async def test_in_a_server_the_bot_is_mentioned_by_its_id_or_its_role_not_by_its_name() -> None:
    async with open_harness() as harness:
        harness.server.gateway.content_intent = True
        harness.platform = harness.new_platform(mention_only=False)
        async with receiving(harness):
            await harness.people.says(ADA, "thinkaloud, hello", GENERAL)
            await harness.people.says(ADA, "one", GENERAL, mention=True)
            await harness.people.says(ADA, "two", GENERAL, mentions_role=True)
            found = await received(harness, 3)
            assert [(m.text, m.mentioned, m.is_group) for m in found] == [
                ("thinkaloud, hello", False, True),
                ("one", True, True),
                ("two", True, True),
            ]


async def test_a_reply_to_the_bot_is_for_the_bot_also_without_a_ping() -> None:
    async with open_harness() as harness:
        harness.server.gateway.content_intent = True
        harness.platform = harness.new_platform(mention_only=False)
        async with receiving(harness):
            earlier = await harness.people.says(BOT, "Blue.", GENERAL)
            await harness.people.says(ADA, "Why?", GENERAL, reply_to=earlier.id)
            [reply] = await received(harness)
            assert reply.mentioned
            assert (reply.text, reply.reply_to, reply.quoted) == ("Why?", earlier.id, "Blue.")


async def test_a_reply_to_somebody_else_is_not_for_the_bot_but_quotes() -> None:
    async with open_harness() as harness:
        harness.server.gateway.content_intent = True
        harness.platform = harness.new_platform(mention_only=False)
        async with receiving(harness):
            other = await harness.people.says(EVE, "Red?", GENERAL)
            await harness.people.says(ADA, "No", GENERAL, reply_to=other.id)
            _, reply = await received(harness, 2)
            assert not reply.mentioned
            assert (reply.reply_to, reply.quoted) == (other.id, "Red?")


async def test_a_thread_is_a_conversation_of_its_channel() -> None:
    async with open_harness() as harness, receiving(harness):
        await harness.people.says(ADA, "Hi", THREAD, mention=True)
        [message] = await received(harness)
        assert message.chat == ChatAddress("discord", GENERAL, THREAD)


async def test_own_messages_and_system_messages_are_ignored_and_bots_are_marked() -> None:
    async with open_harness() as harness, receiving(harness):
        await harness.people.says(BOT, "Own", GENERAL, mention=True)
        await harness.people.says(ADA, "joined", GENERAL, mention=True, type=7)
        await harness.people.says(EVE, "bot", GENERAL, mention=True, is_bot=True)
        await harness.people.says("600000000000000900", "hook", GENERAL, mention=True, webhook=True)
        await harness.people.says(ADA, "person", GENERAL, mention=True)
        found = await received(harness, 3)
        assert [(m.text, m.sender.is_bot) for m in found] == [
            ("bot", True),
            ("hook", True),
            ("person", False),
        ]


async def test_mentions_of_others_become_names() -> None:
    async with open_harness() as harness, receiving(harness):
        harness.server.places.names[EVE] = "Eve"
        await harness.people.says(ADA, f"ask <@{EVE}> about <#1>", GENERAL, mentions=[BOT, EVE])
        [message] = await received(harness)
        assert message.text == "ask @Eve about <#1>"


async def test_an_edit_by_a_person_arrives_and_a_preview_does_not() -> None:
    async with open_harness() as harness, receiving(harness):
        sent = await harness.people.says(ADA, "Wy?")
        await harness.people.sees_a_preview(sent)
        await harness.people.edits(sent, "Why?")
        _, edited = await received(harness, 2)
        assert (edited.message_id, edited.text, edited.edited) == (sent.id, "Why?", True)


async def test_a_deleted_message_changes_nothing() -> None:
    async with open_harness() as harness, receiving(harness):
        sent = await harness.people.says(ADA, "Never mind")
        await harness.people.deletes(sent)
        await harness.people.says(ADA, "Next")
        assert [m.text for m in await received(harness, 2)] == ["Never mind", "Next"]


async def test_files_are_downloaded_up_to_the_limit() -> None:
    async with open_harness() as harness, receiving(harness):
        await harness.people.says(ADA, "Read this", files={"notes.txt": b"x" * 1_000})
        [message] = await received(harness)
        [file] = message.files
        assert (file.name, file.media_type, file.size) == ("notes.txt", "text/plain", 1_000)
        assert await file.fetch(1_000) == b"x" * 1_000
        with pytest.raises(Rejected, match="more than 999 bytes"):
            await file.fetch(999)


async def test_no_file_is_downloaded_from_another_host() -> None:
    async with open_harness() as harness, receiving(harness):
        attached = {
            "id": "1",
            "filename": "a",
            "size": 1,
            "url": "http://169.254.169.254/latest",
            "proxy_url": "",
        }
        await harness.people.says(ADA, "Read this", attachments=[attached])
        [message] = await received(harness)
        with pytest.raises(Rejected, match="not on a server of Discord"):
            await message.files[0].fetch(10)


async def test_without_the_intent_only_mentions_have_content() -> None:
    async with open_harness() as harness, receiving(harness):
        await harness.people.says(ADA, "secret", GENERAL)
        await harness.people.says(ADA, "open", GENERAL, mention=True)
        hidden, shown = await received(harness, 2)
        assert (hidden.text, shown.text) == ("", "open")
        assert harness.server.gateway.identified == [1 | 1 << 9 | 1 << 12]


async def test_a_slash_command_arrives_as_text_and_its_reply_goes_to_the_person() -> None:
    async with open_harness() as harness, receiving(harness):
        used = await harness.people.uses(ADA, "thinking", GENERAL, mode="live")
        [message] = await received(harness)
        assert (message.text, message.is_group, message.mentioned) == ("/thinking live", True, True)
        assert used.response == 5
        await harness.platform.say(message.chat, "Set to `live`.", origin=message.origin)
        [reply] = harness.server.places.seen(GENERAL)
        assert (reply.content, reply.private_to) == ("Set to `live`.", ADA)


async def test_a_stop_command_is_answered_at_once_because_success_has_no_reply() -> None:
    async with open_harness() as harness, receiving(harness):
        await harness.people.uses(ADA, "stop")
        [message] = await received(harness)
        assert message.text == "/stop"
        [shown] = harness.seen
        assert shown.content == "Stopping…"
        await harness.platform.say(message.chat, "There is nothing to stop.", origin=message.origin)
        assert [each.content for each in harness.seen] == ["There is nothing to stop."]


async def test_a_why_button_in_a_server_shows_the_thought_to_the_person_alone() -> None:
    async with open_harness() as harness, receiving(harness):
        harness.chat = ChatAddress("discord", GENERAL)
        await harness.finish(thought("", closed=True), mode="on_request", closing="Done.")
        work = harness.seen[0]
        pressed = await harness.people.presses(EVE, work, "why:run-1")
        await harness.inbox.until(choices=1)
        [(chat, origin, action)] = harness.inbox.choices
        assert (chat.chat_id, origin.sender.id, action) == (GENERAL, EVE, "why:run-1")
        assert pressed.response == 5
        text = "> " + "because " * 500
        assert await harness.platform.say(chat, text, origin=origin, private=True)
        private = [each for each in harness.seen if each.private_to]
        assert [each.private_to for each in private] == [EVE, EVE, EVE]


async def test_a_command_that_is_read_too_late_is_carried_out_anyway() -> None:
    async with open_harness() as harness, receiving(harness):
        harness.server.interaction_ms = -1
        await harness.people.uses(ADA, "help", GENERAL)
        [message] = await received(harness)
        assert await harness.platform.say(message.chat, "Commands", origin=message.origin)
        assert [each.content for each in harness.server.places.seen(GENERAL)] == ["Commands"]
        assert not await harness.platform.say(
            message.chat, "Secret", origin=message.origin, private=True
        )


async def test_a_stranger_gets_nothing_from_buttons_and_commands() -> None:
    async with open_harness() as harness, receiving(harness):
        await harness.finish(thought("", closed=True), mode="on_request", closing="Done.")
        harness.inbox.allowed = False
        pressed = await harness.people.presses(EVE, harness.seen[0], "why:run-1")
        used = await harness.people.uses(EVE, "new", GENERAL)
        await harness.until(lambda: None not in {pressed.response, used.response})
        assert (harness.inbox.choices, harness.inbox.messages) == ([], [])
        assert (pressed.response, used.response) == (4, 4)
        assert pressed.original is not None
        assert pressed.original.content == "You can't use this here."
        assert pressed.original.private_to == EVE


async def test_after_a_lost_connection_the_session_resumes_and_nothing_is_missed() -> None:
    async with open_harness() as harness, receiving(harness):
        await harness.people.says(ADA, "one")
        await received(harness)
        harness.server.gateway.changed.clear()
        await harness.server.gateway.drop()
        await harness.people.says(ADA, "two")
        found = await received(harness, 3)
        assert [m.text for m in found] == ["one", "one", "two"]
        assert found[0].message_id == found[1].message_id
        assert harness.server.gateway.resumed == 1


async def test_the_gateway_may_ask_to_reconnect() -> None:
    async with open_harness() as harness, receiving(harness):
        await harness.server.gateway.ask_to_reconnect()
        harness.server.gateway.changed.clear()
        await harness.server.gateway.changed.wait()
        await harness.people.says(ADA, "Hi")
        assert (await received(harness))[-1].text == "Hi"
        assert harness.server.gateway.resumed == 1


async def received(harness: Harness, count: int = 1) -> list[ChatMessage]:
    await harness.inbox.until(messages=count)
    return harness.inbox.messages
