"""Events from Feishu, and the responses that Feishu gets."""

import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest

from tests.channels.feishu.fake.server import APP_ID, SECRET
from tests.channels.feishu.harness import (
    ADA,
    GROUP,
    Harness,
    ManualClock,
    answer,
    make_platform,
    open_harness,
    receiving,
)
from thinkaloud.channels.feishu.settings import FeishuSettings
from thinkaloud.channels.platform.errors import Misconfigured, Rejected, Transient
from thinkaloud.channels.platform.message import ChatAddress


@pytest.fixture
async def harness() -> AsyncGenerator[Harness]:
    async with open_harness() as harness:
        yield harness


async def test_a_direct_message_is_the_persons_own_conversation(harness: Harness) -> None:
    async with receiving(harness):
        code, data = await harness.people.push(await harness.people.writes("ou_ada", "Hello"))
    assert (code, data) == (200, None)
    message = harness.inbox.messages[0]
    assert (message.chat, message.sender.id, message.text) == (ADA, "ou_ada", "Hello")
    assert not message.is_group
    assert message.sent_at_ms == 1_790_000_000_000


async def test_an_event_that_comes_twice_has_the_same_id(harness: Harness) -> None:
    async with receiving(harness):
        event = await harness.people.writes("ou_ada", "Hello")
        await harness.people.push(event)
    first, second = harness.inbox.messages
    assert first.message_id == second.message_id


async def test_an_event_that_cannot_be_kept_is_not_acknowledged_as_done(harness: Harness) -> None:
    harness.inbox.failures = 1
    async with receiving(harness):
        event = await harness.people.writes("ou_ada", "Hello")
        assert harness.inbox.messages == []
        delivery = harness.server.sockets.waiting[event["header"]["event_id"]]
        assert delivery.acknowledged.result() == (500, None)
        assert await harness.people.push(event) == (200, None)
    assert [message.text for message in harness.inbox.messages] == ["Hello"]


async def test_a_message_that_takes_long_holds_up_only_its_own_chat(harness: Harness) -> None:
    go = harness.inbox.held["/stop"] = asyncio.Event()
    async with receiving(harness), asyncio.TaskGroup() as tasks:
        tasks.create_task(harness.people.writes("ou_ada", "/stop"))
        await asyncio.sleep(0)
        tasks.create_task(harness.people.writes("ou_ada", "Then"))
        await harness.people.writes("ou_eve", "Hello")
        assert [message.text for message in harness.inbox.messages] == ["Hello"]
        go.set()
    assert [message.text for message in harness.inbox.messages] == ["Hello", "/stop", "Then"]


async def test_a_mention_in_a_group_is_taken_out_of_the_text(harness: Harness) -> None:
    async with receiving(harness):
        await harness.people.writes("ou_ada", "/new", group="oc_group", mention=True)
        await harness.people.writes("ou_ada", "no mention", group="oc_group")
    mention, other = harness.inbox.messages
    assert (mention.chat, mention.text, mention.mentioned) == (GROUP, "/new", True)
    assert not other.mentioned


async def test_a_thread_in_a_group_is_its_own_conversation(harness: Harness) -> None:
    async with receiving(harness):
        await harness.people.writes(
            "ou_ada", "Hi", group="oc_group", mention=True, thread_id="omt_1"
        )
    assert harness.inbox.messages[0].chat == ChatAddress("feishu", "oc_group", "omt_1")


async def test_a_thread_in_a_direct_chat_is_its_own_conversation(harness: Harness) -> None:
    async with receiving(harness):
        await harness.people.writes("ou_ada", "Hi", thread_id="omt_1")
        [question] = harness.inbox.messages
        assert question.chat == ChatAddress("feishu", "ou_ada", "omt_1")
        harness.chat, harness.origin = question.chat, question.origin
        await harness.show(answer("It is"))
        [message] = harness.sent
        assert message.thread_id == "omt_1"
        await harness.people.presses("ou_ada", message, "Stop")
    assert harness.inbox.choices[0][0] == question.chat


async def test_a_reply_to_the_bot_counts_as_a_mention_and_quotes(harness: Harness) -> None:
    await harness.finish(answer("It is 42."))
    [bots] = harness.sent
    async with receiving(harness):
        event = await harness.people.writes("ou_eve", "Something", group="oc_group")
        asked = event["event"]["message"]["message_id"]
        await harness.people.writes("ou_ada", "Why?", group="oc_group", reply_to=bots.message_id)
        await harness.people.writes("ou_ada", "And?", group="oc_group", reply_to=asked)
    _, to_bot, to_person = harness.inbox.messages
    assert to_bot.mentioned
    assert not to_person.mentioned
    assert to_person.quoted == "Something"


async def test_for_strangers_nothing_is_looked_up(harness: Harness) -> None:
    harness.inbox.allowed = False
    async with receiving(harness):
        await harness.people.writes("ou_eve", "Why?", group="oc_group", reply_to="om_00000000")
    assert not any(call.startswith("GET /open-apis/im") for call in harness.server.traffic)


async def test_bots_and_the_bots_own_messages_are_marked(harness: Harness) -> None:
    async with receiving(harness):
        await harness.people.writes("ou_other", "Beep", group="oc_group", is_bot=True)
        await harness.people.writes("ou_bot", "Echo", group="oc_group")
    assert [message.sender.is_bot for message in harness.inbox.messages] == [True, True]


async def test_a_post_is_read_with_its_links_code_and_pictures(harness: Harness) -> None:
    content = {
        "title": "Report",
        "content": [
            [
                {"tag": "at", "user_id": "@_user_1", "user_name": "Aloud"},
                {"tag": "text", "text": " see "},
                {"tag": "a", "text": "this", "href": "https://example.org"},
            ],
            [{"tag": "code_block", "language": "PYTHON", "text": "x = 1"}],
            [{"tag": "img", "image_key": "img_1"}],
        ],
    }
    harness.server.files["img_1"] = b"picture"
    async with receiving(harness):
        await harness.people.writes(
            "ou_ada", "", group="oc_group", mention=True, kind="post", content=content
        )
    [message] = harness.inbox.messages
    assert message.text == "Report\n see this (https://example.org)\n\n```python\nx = 1\n```"
    assert message.mentioned
    [file] = message.files
    assert await file.fetch(100) == b"picture"


async def test_files_are_downloaded_up_to_a_size(harness: Harness) -> None:
    harness.server.files |= {"file_1": b"x" * 1_000, "img_2": b"y"}
    async with receiving(harness):
        content = {"file_key": "file_1", "file_name": "notes.txt"}
        await harness.people.writes("ou_ada", "", kind="file", content=content)
        await harness.people.writes("ou_ada", "", kind="image", content={"image_key": "img_2"})
        await harness.people.writes("ou_ada", "", kind="file", content={"file_key": "gone"})
    (notes,), (picture,), (gone,) = [message.files for message in harness.inbox.messages]
    assert (notes.name, notes.media_type) == ("notes.txt", "text/plain")
    assert await notes.fetch(1_000) == b"x" * 1_000
    assert await picture.fetch(10) == b"y"
    with pytest.raises(Rejected, match="999 bytes"):
        await notes.fetch(999)
    with pytest.raises(Rejected, match="234003"):
        await gone.fetch(10)


async def test_other_events_are_acknowledged_and_ignored(harness: Harness) -> None:
    async with receiving(harness):
        for kind in ("im.message.recalled_v1", "im.message.message_read_v1", "unheard.of_v9"):
            assert await harness.people.push(harness.people.event(kind, {})) == (200, None)
        broken = {"message": {"message_id": "om_1", "chat_id": "oc_1", "content": "{"}}
        await harness.people.push(harness.people.event("im.message.receive_v1", broken))
        await harness.people.push(harness.people.event("im.message.receive_v1", {}))
    assert [(each.text, each.sender.is_bot) for each in harness.inbox.messages] == [("", True)]


async def test_a_button_is_answered_for_the_person_who_pressed_it(harness: Harness) -> None:
    await harness.show(answer("It is"))
    [message] = harness.sent
    async with receiving(harness):
        assert await harness.people.presses("ou_ada", message, "Stop") == (200, {})
        # The card was forwarded: a press there acts on the chat of the person who presses.
        await harness.people.presses("ou_eve", message, "Stop")
    (ada, origin, action), (eve, _, _) = harness.inbox.choices
    assert (ada, origin.sender.id, action) == (ADA, "ou_ada", "stop:run-1")
    assert not origin.is_group
    assert eve == ChatAddress("feishu", "ou_eve")


async def test_a_button_in_a_thread_names_the_thread(harness: Harness) -> None:
    harness.chat = ChatAddress("feishu", "oc_group", "omt_1")
    event_origin = harness.origin.__class__(harness.origin.sender, "event", is_group=True)
    await harness.show(answer("It is"), origin=event_origin)
    [message] = harness.sent
    async with receiving(harness):
        await harness.people.presses("ou_ada", message, "Stop")
    [(chat, origin, _)] = harness.inbox.choices
    assert chat == harness.chat
    assert origin.is_group


async def test_the_bots_menu_sends_commands(harness: Harness) -> None:
    async with receiving(harness):
        await harness.people.chooses("ou_ada", "new")
        await harness.people.chooses("ou_ada", "something_else")
    [message] = harness.inbox.messages
    assert (message.chat, message.text, message.is_group) == (ADA, "/new", False)


async def test_a_long_event_arrives_in_several_frames(harness: Harness) -> None:
    text = "word " * 4_000
    async with receiving(harness):
        await harness.people.writes("ou_ada", text)
    assert harness.inbox.messages[0].text == text.strip()


async def test_the_connection_is_kept_alive_and_made_again_when_it_ends(harness: Harness) -> None:
    async with receiving(harness):
        await harness.people.writes("ou_ada", "One")
        assert harness.server.sockets.pings == 1
        harness.clock.now_ms += 60_000
        await harness.server.sockets.drop()
        await harness.people.writes("ou_ada", "Two")
    assert [message.text for message in harness.inbox.messages] == ["One", "Two"]
    assert len(harness.server.sockets.tickets) == 2
    assert harness.server.counts["GET /open-apis/bot/v3/info"] == 1


async def test_who_the_bot_is_is_asked_once_for_each_app(harness: Harness) -> None:
    for _ in range(3):
        async with receiving(harness):
            await harness.people.writes("ou_bot", "Echo", group="oc_group")
        await harness.platform.close()
        harness.platform = harness.new_platform()
    assert all(message.sender.is_bot for message in harness.inbox.messages)
    assert harness.server.counts["GET /open-apis/bot/v3/info"] == 1
    harness.stored.values["bot"] = b"cli_other ou_other"
    async with receiving(harness):
        await harness.people.writes("ou_ada", "Hi", group="oc_group", mention=True)
    assert harness.inbox.messages[-1].mentioned


async def test_a_connection_that_ends_at_once_is_left_to_the_layer(harness: Harness) -> None:
    ready = asyncio.Event()
    running = asyncio.create_task(harness.platform.run(harness.inbox, ready.set))
    await ready.wait()
    await harness.server.sockets.connected.wait()
    await harness.server.sockets.drop()
    with pytest.raises(Transient, match="at once"):
        await running


@pytest.mark.parametrize(
    ("headers", "error", "words"),
    [
        ({"handshake-status": "403", "handshake-msg": "not allowed"}, Misconfigured, "not allowed"),
        (
            {"handshake-status": "514", "handshake-autherrcode": "1000040350"},
            Misconfigured,
            "too many",
        ),
        ({"handshake-status": "514", "handshake-msg": "expired"}, Transient, "expired"),
        ({}, Transient, "400"),
    ],
)
async def test_a_refused_connection_says_why(
    harness: Harness, headers: dict[str, str], error: type[Exception], words: str
) -> None:
    harness.server.sockets.refusal = headers
    with pytest.raises(error, match=words):
        await harness.platform.run(harness.inbox, lambda: None)


async def test_wrong_credentials_are_the_operators_business(harness: Harness) -> None:
    platform = harness.new_platform(app_id="cli_other")
    with pytest.raises(Misconfigured, match="copy both again"):
        await platform.run(harness.inbox, lambda: None)
    [check] = await platform.check()
    assert not check.ok
    await platform.close()


async def test_an_app_without_a_bot_is_told_to_add_one(harness: Harness) -> None:
    harness.server.has_bot = False
    with pytest.raises(Misconfigured, match="add the bot feature"):
        await harness.platform.run(harness.inbox, lambda: None)


@pytest.mark.parametrize(
    ("settings", "environment", "words"),
    [
        (FeishuSettings(), {"FEISHU_APP_SECRET": "s"}, "app_id is not set"),
        (FeishuSettings(app_id=APP_ID), {}, "FEISHU_APP_SECRET is not set"),
        (FeishuSettings(app_id=APP_ID, app_secret_env="OTHER"), {"OTHER": " "}, "OTHER is not set"),
    ],
)
def test_what_is_missing_is_named(
    settings: FeishuSettings, environment: dict[str, str], words: str
) -> None:
    with pytest.raises(Misconfigured, match=words):
        make_platform(settings, ManualClock(), environment)


async def test_the_check_lists_what_is_missing(harness: Harness) -> None:
    checks = {check.name: check for check in await harness.platform.check()}
    assert all(check.ok for check in checks.values())
    assert checks["token"].detail == "Aloud"
    assert harness.server.sockets.open == []
    harness.server.scopes -= {"cardkit:card:write", "im:resource"}
    scopes = {check.name: check for check in await harness.platform.check()}["scopes"]
    assert not scopes.ok
    assert "cardkit:card:write" in scopes.detail
    harness.server.scopes.add("cardkit:card:write")
    scopes = {check.name: check for check in await harness.platform.check()}["scopes"]
    assert scopes.ok
    assert "im:resource" in scopes.detail


async def test_secrets_are_in_no_log_error_or_repr(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    errors: list[str] = []
    harness.server.fail_next(1, 500)
    with pytest.raises(Transient) as lost:
        await harness.show(answer("It"))
    harness.server.sockets.refusal = {"handshake-status": "514", "handshake-msg": "no"}
    with pytest.raises(Transient) as refused:
        await harness.platform.run(harness.inbox, lambda: None)
    harness.server.sockets.refusal = None
    async with receiving(harness):
        await harness.people.writes("ou_ada", "Hello")
        harness.clock.now_ms += 60_000
        await harness.server.sockets.drop()
        await harness.people.writes("ou_ada", "Again")
    unreachable = harness.new_platform(domain="http://127.0.0.1:1")
    with pytest.raises(Transient) as down:
        await unreachable.run(harness.inbox, lambda: None)
    errors += [str(each.value) for each in (lost, refused, down)]
    output = caplog.text + "".join(errors) + repr(vars(harness.platform)) + repr(harness.platform)
    for secret in (SECRET, "canary-key", *harness.server.tokens, *harness.server.sockets.tickets):
        assert secret not in output
    await unreachable.close()
