"""What people do in Telegram arrives once, with the right type."""

import asyncio

import pytest

from tests.channels.telegram.fake.chats import BOT
from tests.channels.telegram.fake.server import TOKEN, Fault
from tests.channels.telegram.harness import DIRECT, open_harness, thought
from thinkaloud.channels.platform.errors import Misconfigured, Rejected, Transient
from thinkaloud.channels.platform.message import ChatAddress, Sender
from thinkaloud.channels.telegram.settings import TelegramSettings


async def test_a_direct_message_arrives_with_its_sender_and_its_time() -> None:
    async with open_harness() as harness, harness.connected():
        harness.people.says("What is 2 + 2?", user=42)
        await harness.inbox.until(messages=1)
        (message,) = harness.inbox.messages
        assert message.chat == ChatAddress("telegram", "42")
        assert message.sender == Sender("42", "Person 42")
        assert (message.text, message.is_group, message.mentioned) == (
            "What is 2 + 2?",
            False,
            False,
        )
        assert message.sent_at_ms == 1_790_001_000_000


async def test_in_a_group_mentions_replies_and_addressed_commands_count_and_are_cut_out() -> None:
    async with open_harness() as harness, harness.connected():
        own = {"message_id": 5, "date": 1, "chat": {"id": -100, "type": "supergroup"}, "from": BOT}
        harness.people.says("🎉 hi @ada_test_bot what is this?", chat=-100)
        harness.people.says("and that?", chat=-100, reply_to_message=own | {"text": "It is."})
        harness.people.says("/new@ada_test_bot", chat=-100)
        harness.people.says("nothing to do with you", chat=-100)
        await harness.inbox.until(messages=4)
        assert [(message.text, message.mentioned) for message in harness.inbox.messages] == [
            ("🎉 hi what is this?", True),
            ("and that?", True),
            ("/new", True),
            ("nothing to do with you", False),
        ]
        assert all(message.is_group for message in harness.inbox.messages)
        assert harness.inbox.messages[1].quoted == ""


async def test_a_command_for_another_bot_and_the_words_of_services_are_ignored() -> None:
    async with open_harness() as harness, harness.connected():
        harness.people.says("/new@other_bot", chat=-100)
        harness.people.says("", chat=-100, new_chat_title="Fun")
        harness.people.says("hi")
        await harness.inbox.until(messages=1)
        assert [message.text for message in harness.inbox.messages] == ["hi"]


async def test_the_start_button_of_a_new_chat_asks_for_help() -> None:
    async with open_harness() as harness, harness.connected():
        harness.people.says("/start")
        harness.people.says("/start from-a-link")
        await harness.inbox.until(messages=2)
        assert [message.text for message in harness.inbox.messages] == ["/help", "/help"]


async def test_bots_channels_and_anonymous_administrators_are_no_persons() -> None:
    async with open_harness() as harness, harness.connected():
        chat = {"id": -100, "type": "supergroup"}
        harness.people.says("beep", chat=-100, is_bot=True)
        harness.people.says("as the group", chat=-100, sender_chat=chat)
        harness.people.says("from the channel", chat=-100, is_automatic_forward=True)
        await harness.inbox.until(messages=3)
        assert [message.sender.is_bot for message in harness.inbox.messages] == [True] * 3


async def test_topics_are_conversations_of_their_own_and_their_first_message_is_no_reply() -> None:
    async with open_harness() as harness, harness.connected():
        first = {"message_id": 55, "date": 1, "chat": {"id": -100, "type": "supergroup"}}
        harness.people.says(
            "hi",
            chat=-100,
            message_thread_id=55,
            is_topic_message=True,
            reply_to_message=first | {"from": BOT},
        )
        harness.people.says("hi", chat=-100, message_thread_id=66)
        await harness.inbox.until(messages=2)
        assert [message.chat.thread_id for message in harness.inbox.messages] == ["55", None]
        assert not harness.inbox.messages[0].mentioned


async def test_a_quoted_message_and_an_edited_one_keep_what_belongs_to_them() -> None:
    async with open_harness() as harness, harness.connected():
        other = {"message_id": 5, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "2 + 2"}
        asked = harness.people.says("Is it 4?", reply_to_message=other)
        harness.people.edits(asked, "Is it 5?")
        await harness.inbox.until(messages=2)
        first, second = harness.inbox.messages
        assert (first.quoted, first.reply_to, first.edited) == ("2 + 2", "5", False)
        assert (second.message_id, second.edited) == (first.message_id, True)
        assert second.text == "Is it 5?"


async def test_files_arrive_with_names_and_types_and_are_read_up_to_the_limit() -> None:
    async with open_harness() as harness, harness.connected():
        harness.server.files = {"big": b"x" * 500, "doc": b"hello"}
        sizes = [{"file_id": "small", "file_size": 5}, {"file_id": "big", "file_size": 500}]
        harness.people.says("", photo=sizes, caption="What is it?")
        document = {"file_id": "doc", "file_name": "a.txt", "mime_type": "text/plain"}
        harness.people.says("", document=document)
        harness.people.says("", voice={"file_id": "gone"})
        await harness.inbox.until(messages=3)
        photo, text, voice = harness.inbox.messages
        assert (photo.text, photo.files[0].name, photo.files[0].size) == (
            "What is it?",
            "photo.jpg",
            500,
        )
        assert (text.files[0].name, text.files[0].media_type) == ("a.txt", "text/plain")
        assert await text.files[0].fetch(5) == b"hello"
        with pytest.raises(Rejected, match="larger than 499 bytes"):
            await photo.files[0].fetch(499)
        with pytest.raises(Rejected, match="invalid file_id"):
            await voice.files[0].fetch(10)


async def test_a_failed_download_does_not_tell_the_address_with_the_token() -> None:
    async with open_harness() as harness, harness.connected():
        harness.server.files["doc"] = b"hello"
        harness.people.says("", document={"file_id": "doc"})
        await harness.inbox.until(messages=1)
        harness.server.broken_files = True
        with pytest.raises(Transient) as raised:
            await harness.inbox.messages[0].files[0].fetch(10)
        assert "downloading" in str(raised.value)
        assert "CANARY" not in repr(raised.value)


async def test_the_pictures_of_an_album_are_one_message_even_if_they_arrive_one_by_one() -> None:
    async with open_harness() as harness, harness.connected():

        def second() -> None:
            harness.people.says("", photo=[{"file_id": "2"}], media_group_id="m")
            harness.people.says("next")

        harness.clock.while_asleep = [second]
        harness.people.says("", photo=[{"file_id": "1"}], media_group_id="m", caption="Compare")
        await harness.inbox.until(messages=2)
        album, following = harness.inbox.messages
        assert (album.text, len(album.files)) == ("Compare", 2)
        assert following.text == "next"


async def test_the_stop_button_of_a_draft_and_buttons_under_messages_arrive() -> None:
    async with open_harness() as harness, harness.connected():
        harness.people.says("think")
        await harness.inbox.until(messages=1)
        await harness.show(thought("Hm", seconds=None))
        harness.people.stops(1)
        query = harness.people.presses("why:run-1", chat=-100, user=2, message_id=9)
        await harness.inbox.until(messages=1, stops=1, choices=1)
        await harness.server.until(lambda: query in harness.server.answered)
        assert harness.inbox.stops == [(DIRECT, Sender("1"))]
        ((chat, origin, action),) = harness.inbox.choices
        assert (chat.chat_id, origin.sender.id, origin.message_id) == ("-100", "2", "9")
        assert (action, origin.is_group) == ("why:run-1", True)


async def test_an_update_that_nobody_understands_does_not_stop_the_ones_after_it() -> None:
    async with open_harness() as harness:
        harness.server.updates.add("message", {"message_id": "not a number", "newest": True})
        harness.people.says("hi", something_of_next_year={"a": [1]})
        async with harness.connected():
            await harness.inbox.until(messages=1)
            harness.people.says("still here")
            await harness.inbox.until(messages=2)


async def test_a_message_whose_delivery_was_lost_arrives_with_the_next_poll() -> None:
    async with open_harness() as harness:
        harness.server.faults.append(Fault(200, "getUpdates", lost=True))
        harness.people.says("one")
        async with harness.connected():
            await harness.inbox.until(messages=1)
            harness.people.says("two")
            await harness.inbox.until(messages=2)
        assert [message.text for message in harness.inbox.messages] == ["one", "two"]


async def test_an_old_webhook_is_removed_and_the_menu_has_the_commands() -> None:
    async with open_harness() as harness:
        harness.server.updates.webhook = "https://example.org/old"
        async with harness.connected():
            harness.people.says("hi")
            await harness.inbox.until(messages=1)
        assert [command["command"] for command in harness.server.commands] == [
            "new",
            "stop",
            "thinking",
            "model",
            "effort",
            "why",
            "help",
        ]
        (removal,) = harness.server.called("deleteWebhook")
        assert "drop_pending_updates" not in removal.parameters


async def test_a_short_outage_and_a_second_program_that_polls_lose_nothing() -> None:
    async with open_harness() as harness:
        harness.server.faults += [
            Fault(502, "getUpdates", html=True),
            Fault(
                409, "getUpdates", description="Conflict: terminated by other getUpdates request"
            ),
            Fault(429, "getUpdates", retry_after=3),
        ]
        async with harness.connected():
            harness.people.says("hi")
            await harness.inbox.until(messages=1)


async def test_a_server_that_refuses_the_menu_still_delivers_messages() -> None:
    async with open_harness() as harness:
        harness.server.faults.append(Fault(429, "setMyCommands", retry_after=600))
        harness.server.unknown = {"deleteWebhook"}
        async with harness.connected():
            harness.people.says("hi")
            await harness.inbox.until(messages=1)


async def test_a_long_outage_is_reported_to_the_layer() -> None:
    async with open_harness() as harness:
        harness.server.faults += [Fault(502, "getUpdates", html=True) for _ in range(4)]
        with pytest.raises(Transient, match="did not answer with JSON"):
            await asyncio.wait_for(harness.platform.run(harness.inbox, lambda: None), 30)


async def test_a_wrong_token_is_the_operators_to_correct_and_is_never_repeated() -> None:
    async with open_harness(environment={"TELEGRAM_BOT_TOKEN": "1:CANARY"}) as harness:
        with pytest.raises(Misconfigured, match="TELEGRAM_BOT_TOKEN is not accepted") as raised:
            await harness.platform.run(harness.inbox, lambda: None)
        assert "CANARY" not in f"{raised.value!r} {raised.value.__cause__!r}"
        (check,) = await harness.platform.check()
        assert not check.ok
        assert "CANARY" not in check.detail


@pytest.mark.parametrize("token", ["", "CANARY", "abc:CANARY x"])
async def test_a_token_that_is_none_is_refused_at_once(token: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        async with open_harness(environment={"TELEGRAM_BOT_TOKEN": token}):
            pass
    assert "CANARY" not in repr(raised.value)


async def test_the_check_names_the_bot_and_says_when_privacy_mode_hides_messages() -> None:
    async with open_harness() as harness:
        (token,) = await harness.platform.check()
        assert (token.name, token.ok, token.detail) == ("token", True, "@ada_test_bot")
    async with open_harness(TelegramSettings(mention_only=False)) as harness:
        assert len(await harness.platform.check()) == 1
        harness.server.privacy_mode = True
        (_, groups) = await harness.platform.check()
        assert not groups.ok
        assert "/setprivacy" in groups.detail


async def test_nothing_that_is_printed_or_logged_contains_the_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    async with open_harness() as harness:
        harness.server.faults += [
            Fault(502, "getUpdates", html=True),
            Fault(200, "getUpdates", lost=True),
        ]
        async with harness.connected():
            harness.people.says("hi")
            await harness.inbox.until(messages=1)
        printed = f"{harness.platform!r} {vars(harness.platform)!r}"
        assert TOKEN not in caplog.text + printed
        assert "CANARY" not in caplog.text + printed
