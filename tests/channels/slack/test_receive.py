"""What the channel makes of events in Slack."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from tests.channels.slack.fake.server import Fault
from tests.channels.slack.fake.workspace import BOT, TEAM
from tests.channels.slack.harness import Harness, answer, open_harness, receiving, thought
from thinkaloud.channels.platform.errors import Misconfigured, Rejected, Transient
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage
from thinkaloud.channels.slack.read import Identity, Reader


@pytest.fixture
async def harness() -> AsyncGenerator[Harness]:
    async with open_harness() as harness:
        harness.slack.unacknowledged.clear()
        yield harness


async def until_acknowledged(harness: Harness) -> None:
    while harness.slack.unacknowledged:
        harness.slack.changed.clear()
        await harness.slack.changed.wait()


async def received(harness: Harness) -> list[ChatMessage]:
    """What has been received once everything is acknowledged, without the first question."""
    await until_acknowledged(harness)
    return [each for each in harness.inbox.messages if each.message_id != harness.asked.ts]


async def test_a_direct_message_arrives_with_its_sender_and_thread(harness: Harness) -> None:
    async with receiving(harness):
        await until_acknowledged(harness)
    [message] = harness.inbox.messages
    assert (message.text, message.sender.id) == ("What is 6 times 7?", "U0ADA")
    assert (message.chat, message.is_group) == (harness.chat, False)
    assert message.token == f"T0TEAM/{harness.asked.ts}"
    assert message.sent_at_ms == 1_790_000_000_000


async def test_a_direct_chat_is_one_conversation_also_in_a_persons_own_threads(
    harness: Harness,
) -> None:
    bots = await harness.platform.show(harness.chat, harness.content(answer("Hi ")), harness.kept)
    assert bots
    async with receiving(harness):
        await harness.people.writes("U0ADA", harness.channel, "And 7 times 8?", harness.asked.ts)
        [reply] = await received(harness)
    assert (reply.chat, reply.reply_to) == (harness.chat, harness.asked.ts)


async def test_a_persons_own_thread_is_known_even_if_slack_does_not_say_whose_it_is(
    harness: Harness,
) -> None:
    async with receiving(harness):
        event = {"type": "message", "channel": harness.channel, "channel_type": "im"}
        fields = {
            "user": "U0ADA",
            "text": "And?",
            "ts": "1790000009.1",
            "thread_ts": harness.asked.ts,
        }
        await until_acknowledged(harness)
        await harness.slack.event(event | fields)
        [reply] = await received(harness)
    assert reply.chat == harness.chat


@pytest.mark.parametrize("fields", [{"files": 7}, {"files": ["x"]}, {"ts": [], "user": {}}])
async def test_an_event_of_an_unknown_shape_is_acknowledged_and_the_next_one_arrives(
    harness: Harness, fields: dict[str, object]
) -> None:
    message = {"type": "message", "channel": harness.channel, "channel_type": "im", "text": "Hm"}
    async with receiving(harness):
        await harness.slack.event(
            {**message, "user": "U0ADA", "ts": "1790000009.1", "team": TEAM, **fields}
        )
        await harness.people.writes("U0ADA", harness.channel, "And 7 times 8?")
        found = await received(harness)
    assert found[-1].text == "And 7 times 8?"


async def test_a_thread_of_an_assistant_is_a_conversation_of_its_own(harness: Harness) -> None:
    root = await harness.platform.say(harness.chat, "New chat", origin=None)
    assert root
    async with receiving(harness):
        await harness.people.writes("U0ADA", harness.channel, "Hello", harness.sent[0].ts)
        [message] = await received(harness)
    assert message.chat == ChatAddress("slack", harness.channel, harness.sent[0].ts)


async def test_a_mention_in_a_channel_arrives_without_the_mention_and_under_one_id(
    harness: Harness,
) -> None:
    channel = harness.people.channel("C0GENERAL", "U0ADA")
    async with receiving(harness):
        sent = await harness.people.writes("U0ADA", channel, f"<@{BOT}> what &lt;is&gt; this?")
        messages = await received(harness)
    assert {(each.message_id, each.text, each.mentioned) for each in messages} == {
        (sent.ts, "what <is> this?", True)
    }
    assert {each.chat for each in messages} == {ChatAddress("slack", channel, sent.ts)}
    assert all(each.is_group for each in messages)


async def test_a_message_in_a_channel_without_a_mention_mentions_nobody(harness: Harness) -> None:
    channel = harness.people.channel("C0GENERAL", "U0ADA")
    async with receiving(harness):
        await harness.people.writes("U0ADA", channel, "hello all")
        [message] = await received(harness)
    assert not message.mentioned


async def test_a_reply_in_a_thread_of_the_bot_counts_as_a_mention(harness: Harness) -> None:
    channel = harness.people.channel("C0GENERAL", "U0ADA")
    await harness.platform.say(ChatAddress("slack", channel), "I am here.")
    root = harness.slack.workspace.by_bot(channel)[0]
    async with receiving(harness):
        await harness.people.writes("U0ADA", channel, "good", root.ts)
        [message] = await received(harness)
    assert message.mentioned


async def test_bots_are_marked_and_own_messages_are_dropped(harness: Harness) -> None:
    async with receiving(harness):
        await harness.people.writes("U0ROBOT", harness.channel, "beep", bot_id="B0ROBOT")
        await harness.people.writes(BOT, harness.channel, "me", bot_id="B0BOT")
        messages = await received(harness)
    assert [(each.text, each.sender.is_bot) for each in messages] == [("beep", True)]


async def test_what_the_bot_changes_in_its_own_message_is_no_message(harness: Harness) -> None:
    await harness.platform.say(harness.chat, "One")
    async with receiving(harness):
        await harness.people.edits(harness.only, "Two")
        assert await received(harness) == []


@pytest.mark.parametrize("author", [{"user": BOT}, {"user": "U0X", "bot_id": "B0BOT"}, {}])
def test_no_message_of_the_app_itself_or_of_nobody_is_read(author: dict[str, str]) -> None:
    reader = Reader("slack", Identity(BOT, "B0BOT", TEAM), lambda url: never)
    event = {"type": "message", "channel": "D0ADA", "ts": "1.0", "text": "me"}
    assert reader.read({"event": event | author}) is None


async def never(most: int) -> bytes:
    raise AssertionError(most)


async def test_links_and_names_are_readable(harness: Harness) -> None:
    text = "see <https://a.example|the page> <https://b.example> <#C0X|general> <@U0BOB> <!here>"
    async with receiving(harness):
        await harness.people.writes("U0ADA", harness.channel, text)
        [message] = await received(harness)
    shown = "see the page (https://a.example) https://b.example #general @U0BOB @here"
    assert message.text == shown


async def test_an_edit_is_the_same_message_and_a_preview_or_deletion_is_nothing(
    harness: Harness,
) -> None:
    async with receiving(harness):
        await harness.people.edits(harness.asked, "What is 6 times 8?")
        await harness.people.edits(harness.asked, "What is 6 times 8?")
        await harness.people.deletes(harness.asked)
        await until_acknowledged(harness)
    found = [(each.message_id, each.text, each.edited) for each in harness.inbox.messages]
    assert found[1:] == [(harness.asked.ts, "What is 6 times 8?", True)]


async def test_the_stop_button_names_the_person_and_the_conversation(harness: Harness) -> None:
    async with receiving(harness):
        await harness.show(thought("Hm. So "))
        await harness.people.presses_stop("U0BOB", harness.channel, harness.asked.ts)
        await until_acknowledged(harness)
    [(chat, sender)] = harness.inbox.stops
    assert sender is not None
    assert (chat, sender.id) == (harness.chat, "U0BOB")


async def test_the_stop_button_works_after_a_restart(harness: Harness) -> None:
    harness.slack.unacknowledged.clear()
    async with receiving(harness):
        await until_acknowledged(harness)
        await harness.people.presses_stop("U0ADA", harness.channel, "1.0")
        await until_acknowledged(harness)
    assert harness.chat in [chat for chat, _ in harness.inbox.stops]


async def test_a_button_names_the_person_the_run_and_the_conversation(harness: Harness) -> None:
    await harness.finish(thought("", closed=True), answer("42"), mode="on_request")
    async with receiving(harness):
        await harness.people.presses("U0ADA", harness.only, "why:run-1")
        await until_acknowledged(harness)
    [(chat, origin, action)] = harness.inbox.choices
    assert (chat, origin.sender.id, action) == (harness.chat, "U0ADA", "why:run-1")


@pytest.mark.parametrize(
    ("command", "text", "means"),
    [
        ("/new", "", "/new"),
        ("/thinkaloud", "thinking off", "/thinking off"),
        ("/thinkaloud", "", "/help"),
        ("/thinkaloud", "dance", "/help"),
    ],
)
async def test_a_slash_command_is_a_message(
    harness: Harness, command: str, text: str, means: str
) -> None:
    async with receiving(harness):
        await harness.people.commands("U0ADA", harness.channel, command, text)
        [message] = await received(harness)
    assert (message.text, message.chat, message.mentioned) == (means, harness.chat, True)


async def test_the_reply_to_a_slash_command_in_a_channel_is_for_its_sender(
    harness: Harness,
) -> None:
    channel = harness.people.channel("C0GENERAL", "U0ADA")
    async with receiving(harness):
        await harness.people.commands("U0ADA", channel, "/thinkaloud", "help")
        [message] = await received(harness)
    await harness.platform.say(message.chat, "The commands are…", origin=message.origin)
    assert [each.only_for for each in harness.slack.workspace.by_bot(channel)] == ["U0ADA"]


async def test_a_private_reply_in_a_channel_is_for_one_person(harness: Harness) -> None:
    harness.channel = harness.people.channel("C0GENERAL", "U0ADA")
    harness.asked = await harness.people.writes("U0ADA", harness.channel, f"<@{BOT}> why?")
    chat = ChatAddress("slack", harness.channel, harness.asked.ts)
    assert await harness.platform.say(chat, "Because…", origin=harness.origin, private=True)
    assert (harness.only.only_for, harness.only.thread_ts) == ("U0ADA", harness.asked.ts)
    assert not await harness.platform.say(chat, "Because…", private=True)


async def test_a_file_is_downloaded_with_the_bots_token_up_to_a_size(harness: Harness) -> None:
    file = harness.people.file("notes.txt", b"six by seven")
    async with receiving(harness):
        await harness.people.writes("U0ADA", harness.channel, "Read this", files=[file])
        [message] = await received(harness)
        [found] = message.files
        assert (found.name, found.media_type, found.size) == ("notes.txt", "text/plain", 12)
        assert await found.fetch(12) == b"six by seven"
        with pytest.raises(Rejected, match="11 bytes"):
            await found.fetch(11)


async def test_the_token_never_goes_to_another_host(harness: Harness) -> None:
    elsewhere = harness.people.file("notes.txt", b"x") | {
        "url_private_download": "http://127.0.0.1:9/notes.txt"
    }
    async with receiving(harness):
        await harness.people.writes("U0ADA", harness.channel, "Read this", files=[elsewhere])
        [message] = await received(harness)
        with pytest.raises(Rejected, match="doesn't host"):
            await message.files[0].fetch(100)


async def test_a_file_that_slack_does_not_host_is_named_and_a_deleted_one_is_not(
    harness: Harness,
) -> None:
    files = [
        {"id": "F1", "name": "plan.gdoc", "mode": "external"},
        {"id": "F2", "name": "gone.txt", "mode": "tombstone"},
    ]
    async with receiving(harness):
        await harness.people.writes("U0ADA", harness.channel, "Read these", files=files)
        [message] = await received(harness)
    assert [file.name for file in message.files] == ["plan.gdoc"]
    with pytest.raises(Rejected):
        await message.files[0].fetch(100)


async def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(
    harness: Harness,
) -> None:
    await harness.slack.drop_sockets()
    async with receiving(harness):
        await until_acknowledged(harness)
        harness.inbox.fails = True
        sent = await harness.people.writes("U0ADA", harness.channel, "Important")
        harness.slack.changed.clear()
        harness.inbox.fails = False
        await harness.slack.drop_sockets(politely=True)
        await until_acknowledged(harness)
    assert sent.ts in [message.message_id for message in harness.inbox.messages]


async def test_events_of_other_kinds_are_acknowledged(harness: Harness) -> None:
    async with receiving(harness):
        await harness.slack.event({"type": "reaction_added", "user": "U0ADA", "reaction": "eyes"})
        await harness.slack.deliver("interactive", {"type": "view_submission", "view": {}})
        await until_acknowledged(harness)
    assert len(harness.inbox.messages) == 1


@pytest.mark.parametrize("politely", [True, False])
async def test_a_lost_connection_is_made_again(harness: Harness, politely: bool) -> None:
    await harness.platform.close()
    harness.platform = harness.new_platform(ping_seconds=0.5)
    async with receiving(harness):
        await until_acknowledged(harness)
        harness.clock.now_ms += 60_000
        await harness.slack.drop_sockets(politely=politely)
        sent = await harness.people.writes("U0ADA", harness.channel, "Still there?")
        await until_acknowledged(harness)
    assert harness.inbox.messages[-1].message_id == sent.ts


async def test_a_connection_that_ends_at_once_is_left_to_the_layers_backoff(
    harness: Harness,
) -> None:
    async with asyncio.TaskGroup() as tasks:
        ready = asyncio.Event()
        running = tasks.create_task(_ends(harness, ready))
        await ready.wait()
        await harness.slack.drop_sockets(politely=True)
        assert "ended" in await running


async def _ends(harness: Harness, ready: asyncio.Event) -> str:
    with pytest.raises(Transient) as caught:
        await harness.platform.run(harness.inbox, ready.set)
    return str(caught.value)


async def test_a_missing_subscription_for_the_stop_button_is_logged_once(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.slack.subscribed = False
    for on in (True, False, True):
        await harness.platform.typing(harness.chat, harness.origin, on=on)
    assert caplog.text.count("agent_session_stopped") == 1


async def test_an_app_that_is_no_agent_is_asked_only_once(harness: Harness) -> None:
    harness.slack.workspace.agent = False
    for _ in range(2):
        await harness.platform.typing(harness.chat, harness.origin, on=True)
    assert harness.slack.errors == [("agents.sessions.setStatus", "not_an_agent")]


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
async def test_a_revoked_token_is_for_the_operator(harness: Harness, method: str) -> None:
    harness.slack.fail(method, Fault.error("token_revoked"))
    with pytest.raises(Misconfigured, match="token_revoked"):
        await harness.platform.run(harness.inbox, lambda: None)


async def test_slack_being_down_is_not_for_the_operator(harness: Harness) -> None:
    harness.slack.fail("auth.test", Fault(503, "down", "text/plain"))
    with pytest.raises(Transient):
        await harness.platform.run(harness.inbox, lambda: None)


async def test_the_check_names_what_is_missing(harness: Harness) -> None:
    found = {check.name: check for check in await harness.platform.check()}
    assert all(check.ok for check in found.values())
    assert found["token"].detail == "U0BOT in Team"
    harness.slack.workspace.scopes = "chat:write"
    harness.slack.fail("apps.connections.open", Fault.error("not_allowed_token_type"))
    found = {check.name: check for check in await harness.platform.check()}
    assert "im:history" in found["scopes"].detail
    assert "connections:write" in found["connection"].detail
    assert not found["connection"].ok
