"""What people do in Telegram arrives, once, and as what it is."""

import asyncio

import pytest

from tests.channels.telegram.fake.chats import BOT
from tests.channels.telegram.fake.server import TOKEN, Fault
from tests.channels.telegram.stage import DIRECT, staged, thought
from thinkaloud.channels.platform.errors import Misconfigured, Rejected, Transient
from thinkaloud.channels.platform.message import ChatAddress, Sender
from thinkaloud.channels.telegram.settings import TelegramSettings


async def test_a_direct_message_arrives_with_its_sender_and_its_time() -> None:
    async with staged() as stage, stage.connected():
        stage.people.says("What is 2 + 2?", user=42)
        await stage.inbox.until(messages=1)
        (message,) = stage.inbox.messages
        assert message.chat == ChatAddress("telegram", "42")
        assert message.sender == Sender("42", "Person 42")
        assert (message.text, message.is_group, message.mentioned) == (
            "What is 2 + 2?",
            False,
            False,
        )
        assert message.sent_at_ms == 1_790_001_000_000


async def test_in_a_group_mentions_replies_and_addressed_commands_count_and_are_cut_out() -> None:
    async with staged() as stage, stage.connected():
        own = {"message_id": 5, "date": 1, "chat": {"id": -100, "type": "supergroup"}, "from": BOT}
        stage.people.says("🎉 hi @ada_test_bot what is this?", chat=-100)
        stage.people.says("and that?", chat=-100, reply_to_message=own | {"text": "It is."})
        stage.people.says("/new@ada_test_bot", chat=-100)
        stage.people.says("nothing to do with you", chat=-100)
        await stage.inbox.until(messages=4)
        assert [(message.text, message.mentioned) for message in stage.inbox.messages] == [
            ("🎉 hi what is this?", True),
            ("and that?", True),
            ("/new", True),
            ("nothing to do with you", False),
        ]
        assert all(message.is_group for message in stage.inbox.messages)
        assert stage.inbox.messages[1].quoted == ""


async def test_a_command_for_another_bot_and_the_words_of_services_are_ignored() -> None:
    async with staged() as stage, stage.connected():
        stage.people.says("/new@other_bot", chat=-100)
        stage.people.says("", chat=-100, new_chat_title="Fun")
        stage.people.says("hi")
        await stage.inbox.until(messages=1)
        assert [message.text for message in stage.inbox.messages] == ["hi"]


async def test_the_start_button_of_a_new_chat_asks_for_help() -> None:
    async with staged() as stage, stage.connected():
        stage.people.says("/start")
        stage.people.says("/start from-a-link")
        await stage.inbox.until(messages=2)
        assert [message.text for message in stage.inbox.messages] == ["/help", "/help"]


async def test_bots_channels_and_anonymous_administrators_are_no_persons() -> None:
    async with staged() as stage, stage.connected():
        chat = {"id": -100, "type": "supergroup"}
        stage.people.says("beep", chat=-100, is_bot=True)
        stage.people.says("as the group", chat=-100, sender_chat=chat)
        stage.people.says("from the channel", chat=-100, is_automatic_forward=True)
        await stage.inbox.until(messages=3)
        assert [message.sender.is_bot for message in stage.inbox.messages] == [True] * 3


async def test_topics_are_conversations_of_their_own_and_their_first_message_is_no_reply() -> None:
    async with staged() as stage, stage.connected():
        first = {"message_id": 55, "date": 1, "chat": {"id": -100, "type": "supergroup"}}
        stage.people.says(
            "hi",
            chat=-100,
            message_thread_id=55,
            is_topic_message=True,
            reply_to_message=first | {"from": BOT},
        )
        stage.people.says("hi", chat=-100, message_thread_id=66)
        await stage.inbox.until(messages=2)
        assert [message.chat.thread_id for message in stage.inbox.messages] == ["55", None]
        assert not stage.inbox.messages[0].mentioned


async def test_a_quoted_message_and_an_edited_one_keep_what_belongs_to_them() -> None:
    async with staged() as stage, stage.connected():
        other = {"message_id": 5, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "2 + 2"}
        asked = stage.people.says("Is it 4?", reply_to_message=other)
        stage.people.edits(asked, "Is it 5?")
        await stage.inbox.until(messages=2)
        first, second = stage.inbox.messages
        assert (first.quoted, first.reply_to, first.edited) == ("2 + 2", "5", False)
        assert (second.message_id, second.edited) == (first.message_id, True)
        assert second.text == "Is it 5?"


async def test_files_arrive_with_names_and_types_and_are_read_up_to_the_limit() -> None:
    async with staged() as stage, stage.connected():
        stage.server.files = {"big": b"x" * 500, "doc": b"hello"}
        sizes = [{"file_id": "small", "file_size": 5}, {"file_id": "big", "file_size": 500}]
        stage.people.says("", photo=sizes, caption="What is it?")
        document = {"file_id": "doc", "file_name": "a.txt", "mime_type": "text/plain"}
        stage.people.says("", document=document)
        stage.people.says("", voice={"file_id": "gone"})
        await stage.inbox.until(messages=3)
        photo, text, voice = stage.inbox.messages
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
    async with staged() as stage, stage.connected():
        stage.server.files["doc"] = b"hello"
        stage.people.says("", document={"file_id": "doc"})
        await stage.inbox.until(messages=1)
        stage.server.broken_files = True
        with pytest.raises(Transient) as raised:
            await stage.inbox.messages[0].files[0].fetch(10)
        assert "downloading" in str(raised.value)
        assert "CANARY" not in repr(raised.value)


async def test_the_pictures_of_an_album_are_one_message_even_if_they_arrive_one_by_one() -> None:
    async with staged() as stage, stage.connected():

        def second() -> None:
            stage.people.says("", photo=[{"file_id": "2"}], media_group_id="m")
            stage.people.says("next")

        stage.clock.while_asleep = [second]
        stage.people.says("", photo=[{"file_id": "1"}], media_group_id="m", caption="Compare")
        await stage.inbox.until(messages=2)
        album, following = stage.inbox.messages
        assert (album.text, len(album.files)) == ("Compare", 2)
        assert following.text == "next"


async def test_the_stop_button_of_a_draft_and_buttons_under_messages_arrive() -> None:
    async with staged() as stage, stage.connected():
        stage.people.says("think")
        await stage.inbox.until(messages=1)
        await stage.show(thought("Hm", seconds=None))
        stage.people.stops(1)
        query = stage.people.presses("why:run-1", chat=-100, user=2, message_id=9)
        await stage.inbox.until(messages=1, stops=1, choices=1)
        await stage.server.until(lambda: query in stage.server.answered)
        assert stage.inbox.stops == [(DIRECT, Sender("1"))]
        ((chat, origin, action),) = stage.inbox.choices
        assert (chat.chat_id, origin.sender.id, origin.message_id) == ("-100", "2", "9")
        assert (action, origin.is_group) == ("why:run-1", True)


async def test_an_update_that_nobody_understands_does_not_stop_the_ones_after_it() -> None:
    async with staged() as stage:
        stage.server.updates.add("message", {"message_id": "not a number", "newest": True})
        stage.people.says("hi", something_of_next_year={"a": [1]})
        async with stage.connected():
            await stage.inbox.until(messages=1)
            stage.people.says("still here")
            await stage.inbox.until(messages=2)


async def test_a_message_whose_delivery_was_lost_arrives_with_the_next_poll() -> None:
    async with staged() as stage:
        stage.server.faults.append(Fault(200, "getUpdates", lost=True))
        stage.people.says("one")
        async with stage.connected():
            await stage.inbox.until(messages=1)
            stage.people.says("two")
            await stage.inbox.until(messages=2)
        assert [message.text for message in stage.inbox.messages] == ["one", "two"]


async def test_an_old_webhook_is_removed_and_the_menu_has_the_commands() -> None:
    async with staged() as stage:
        stage.server.updates.webhook = "https://example.org/old"
        async with stage.connected():
            stage.people.says("hi")
            await stage.inbox.until(messages=1)
        assert [command["command"] for command in stage.server.commands] == [
            "new",
            "stop",
            "thinking",
            "model",
            "effort",
            "why",
            "help",
        ]
        (removal,) = stage.server.called("deleteWebhook")
        assert "drop_pending_updates" not in removal.parameters


async def test_a_short_outage_and_a_second_program_that_polls_lose_nothing() -> None:
    async with staged() as stage:
        stage.server.faults += [
            Fault(502, "getUpdates", html=True),
            Fault(
                409, "getUpdates", description="Conflict: terminated by other getUpdates request"
            ),
            Fault(429, "getUpdates", retry_after=3),
        ]
        async with stage.connected():
            stage.people.says("hi")
            await stage.inbox.until(messages=1)


async def test_a_server_that_refuses_the_menu_still_delivers_messages() -> None:
    async with staged() as stage:
        stage.server.faults.append(Fault(429, "setMyCommands", retry_after=600))
        stage.server.unknown = {"deleteWebhook"}
        async with stage.connected():
            stage.people.says("hi")
            await stage.inbox.until(messages=1)


async def test_a_long_outage_is_reported_to_the_layer() -> None:
    async with staged() as stage:
        stage.server.faults += [Fault(502, "getUpdates", html=True) for _ in range(4)]
        with pytest.raises(Transient, match="did not answer with JSON"):
            await asyncio.wait_for(stage.platform.run(stage.inbox, lambda: None), 30)


async def test_a_wrong_token_is_the_operators_to_correct_and_is_never_repeated() -> None:
    async with staged(environment={"TELEGRAM_BOT_TOKEN": "1:CANARY"}) as stage:
        with pytest.raises(Misconfigured, match="TELEGRAM_BOT_TOKEN is not accepted") as raised:
            await stage.platform.run(stage.inbox, lambda: None)
        assert "CANARY" not in f"{raised.value!r} {raised.value.__cause__!r}"
        (check,) = await stage.platform.check()
        assert not check.ok
        assert "CANARY" not in check.detail


@pytest.mark.parametrize("token", ["", "CANARY", "abc:CANARY x"])
async def test_a_token_that_is_none_is_refused_at_once(token: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        async with staged(environment={"TELEGRAM_BOT_TOKEN": token}):
            pass
    assert "CANARY" not in repr(raised.value)


async def test_the_check_names_the_bot_and_says_when_privacy_mode_hides_messages() -> None:
    async with staged() as stage:
        (token,) = await stage.platform.check()
        assert (token.name, token.ok, token.detail) == ("token", True, "@ada_test_bot")
    async with staged(TelegramSettings(mention_only=False)) as stage:
        assert len(await stage.platform.check()) == 1
        stage.server.privacy_mode = True
        (_, groups) = await stage.platform.check()
        assert not groups.ok
        assert "/setprivacy" in groups.detail


async def test_nothing_that_is_printed_or_logged_contains_the_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    async with staged() as stage:
        stage.server.faults += [
            Fault(502, "getUpdates", html=True),
            Fault(200, "getUpdates", lost=True),
        ]
        async with stage.connected():
            stage.people.says("hi")
            await stage.inbox.until(messages=1)
        printed = f"{stage.platform!r} {vars(stage.platform)!r}"
        assert TOKEN not in caplog.text + printed
        assert "CANARY" not in caplog.text + printed
