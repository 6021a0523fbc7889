"""What the channel understands of what people do in Slack."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from tests.channels.slack.fake.server import Fault
from tests.channels.slack.fake.workspace import BOT, TEAM
from tests.channels.slack.staging import Stage, answer, receiving, staged, thought
from thinkaloud.channels.platform.errors import Misconfigured, Rejected, Transient
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage
from thinkaloud.channels.slack.read import Identity, Reader


@pytest.fixture
async def stage() -> AsyncGenerator[Stage]:
    async with staged() as stage:
        stage.slack.unacknowledged.clear()
        yield stage


async def until_acknowledged(stage: Stage) -> None:
    while stage.slack.unacknowledged:
        stage.slack.changed.clear()
        await stage.slack.changed.wait()


async def received(stage: Stage) -> list[ChatMessage]:
    """What has been received once everything is acknowledged, without the first question."""
    await until_acknowledged(stage)
    return [each for each in stage.inbox.messages if each.message_id != stage.asked.ts]


async def test_a_direct_message_arrives_with_its_sender_and_thread(stage: Stage) -> None:
    async with receiving(stage):
        await until_acknowledged(stage)
    [message] = stage.inbox.messages
    assert (message.text, message.sender.id) == ("What is 6 times 7?", "U0ADA")
    assert (message.chat, message.is_group) == (stage.chat, False)
    assert message.token == f"T0TEAM/{stage.asked.ts}"
    assert message.sent_at_ms == 1_790_000_000_000


async def test_a_direct_chat_is_one_conversation_also_in_a_persons_own_threads(
    stage: Stage,
) -> None:
    bots = await stage.platform.show(stage.chat, stage.content(answer("Hi ")), stage.kept)
    assert bots
    async with receiving(stage):
        await stage.people.writes("U0ADA", stage.channel, "And 7 times 8?", stage.asked.ts)
        [reply] = await received(stage)
    assert (reply.chat, reply.reply_to) == (stage.chat, stage.asked.ts)


async def test_a_persons_own_thread_is_known_even_if_slack_does_not_say_whose_it_is(
    stage: Stage,
) -> None:
    async with receiving(stage):
        event = {"type": "message", "channel": stage.channel, "channel_type": "im"}
        said = {"user": "U0ADA", "text": "And?", "ts": "1790000009.1", "thread_ts": stage.asked.ts}
        await until_acknowledged(stage)
        await stage.slack.event(event | said)
        [reply] = await received(stage)
    assert reply.chat == stage.chat


async def test_a_thread_of_an_assistant_is_a_conversation_of_its_own(stage: Stage) -> None:
    root = await stage.platform.say(stage.chat, "New chat", origin=None)
    assert root
    async with receiving(stage):
        await stage.people.writes("U0ADA", stage.channel, "Hello", stage.sent[0].ts)
        [message] = await received(stage)
    assert message.chat == ChatAddress("slack", stage.channel, stage.sent[0].ts)


async def test_a_mention_in_a_channel_arrives_without_the_mention_and_under_one_id(
    stage: Stage,
) -> None:
    channel = stage.people.channel("C0GENERAL", "U0ADA")
    async with receiving(stage):
        sent = await stage.people.writes("U0ADA", channel, f"<@{BOT}> what &lt;is&gt; this?")
        messages = await received(stage)
    assert {(each.message_id, each.text, each.mentioned) for each in messages} == {
        (sent.ts, "what <is> this?", True)
    }
    assert {each.chat for each in messages} == {ChatAddress("slack", channel, sent.ts)}
    assert all(each.is_group for each in messages)


async def test_a_message_in_a_channel_without_a_mention_mentions_nobody(stage: Stage) -> None:
    channel = stage.people.channel("C0GENERAL", "U0ADA")
    async with receiving(stage):
        await stage.people.writes("U0ADA", channel, "hello all")
        [message] = await received(stage)
    assert not message.mentioned


async def test_a_reply_in_a_thread_of_the_bot_counts_as_a_mention(stage: Stage) -> None:
    channel = stage.people.channel("C0GENERAL", "U0ADA")
    await stage.platform.say(ChatAddress("slack", channel), "I am here.")
    root = stage.slack.workspace.by_bot(channel)[0]
    async with receiving(stage):
        await stage.people.writes("U0ADA", channel, "good", root.ts)
        [message] = await received(stage)
    assert message.mentioned


async def test_bots_are_marked_and_own_messages_are_dropped(stage: Stage) -> None:
    async with receiving(stage):
        await stage.people.writes("U0ROBOT", stage.channel, "beep", bot_id="B0ROBOT")
        await stage.people.writes(BOT, stage.channel, "me", bot_id="B0BOT")
        messages = await received(stage)
    assert [(each.text, each.sender.is_bot) for each in messages] == [("beep", True)]


async def test_what_the_bot_changes_in_its_own_message_is_no_message(stage: Stage) -> None:
    await stage.platform.say(stage.chat, "One")
    async with receiving(stage):
        await stage.people.edits(stage.only, "Two")
        assert await received(stage) == []


@pytest.mark.parametrize("author", [{"user": BOT}, {"user": "U0X", "bot_id": "B0BOT"}, {}])
def test_no_message_of_the_app_itself_or_of_nobody_is_read(author: dict[str, str]) -> None:
    reader = Reader("slack", Identity(BOT, "B0BOT", TEAM), lambda url: never)
    event = {"type": "message", "channel": "D0ADA", "ts": "1.0", "text": "me"}
    assert reader.read({"event": event | author}) is None


async def never(most: int) -> bytes:
    raise AssertionError(most)


async def test_links_and_names_are_readable(stage: Stage) -> None:
    text = "see <https://a.example|the page> <https://b.example> <#C0X|general> <@U0BOB> <!here>"
    async with receiving(stage):
        await stage.people.writes("U0ADA", stage.channel, text)
        [message] = await received(stage)
    shown = "see the page (https://a.example) https://b.example #general @U0BOB @here"
    assert message.text == shown


async def test_an_edit_is_the_same_message_and_a_preview_or_deletion_is_nothing(
    stage: Stage,
) -> None:
    async with receiving(stage):
        await stage.people.edits(stage.asked, "What is 6 times 8?")
        await stage.people.edits(stage.asked, "What is 6 times 8?")
        await stage.people.deletes(stage.asked)
        await until_acknowledged(stage)
    found = [(each.message_id, each.text, each.edited) for each in stage.inbox.messages]
    assert found[1:] == [(stage.asked.ts, "What is 6 times 8?", True)]


async def test_the_stop_button_names_the_person_and_the_conversation(stage: Stage) -> None:
    async with receiving(stage):
        await stage.show(thought("Hm. So "))
        await stage.people.presses_stop("U0BOB", stage.channel, stage.asked.ts)
        await until_acknowledged(stage)
    [(chat, sender)] = stage.inbox.stops
    assert sender is not None
    assert (chat, sender.id) == (stage.chat, "U0BOB")


async def test_the_stop_button_works_after_a_restart(stage: Stage) -> None:
    stage.slack.unacknowledged.clear()
    async with receiving(stage):
        await until_acknowledged(stage)
        await stage.people.presses_stop("U0ADA", stage.channel, "1.0")
        await until_acknowledged(stage)
    assert stage.chat in [chat for chat, _ in stage.inbox.stops]


async def test_a_button_names_the_person_the_run_and_the_conversation(stage: Stage) -> None:
    await stage.finish(thought("", closed=True), answer("42"), mode="on_request")
    async with receiving(stage):
        await stage.people.presses("U0ADA", stage.only, "why:run-1")
        await until_acknowledged(stage)
    [(chat, origin, action)] = stage.inbox.choices
    assert (chat, origin.sender.id, action) == (stage.chat, "U0ADA", "why:run-1")


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
    stage: Stage, command: str, text: str, means: str
) -> None:
    async with receiving(stage):
        await stage.people.commands("U0ADA", stage.channel, command, text)
        [message] = await received(stage)
    assert (message.text, message.chat, message.mentioned) == (means, stage.chat, True)


async def test_the_reply_to_a_slash_command_in_a_channel_is_for_its_sender(stage: Stage) -> None:
    channel = stage.people.channel("C0GENERAL", "U0ADA")
    async with receiving(stage):
        await stage.people.commands("U0ADA", channel, "/thinkaloud", "help")
        [message] = await received(stage)
    await stage.platform.say(message.chat, "The commands are…", origin=message.origin)
    assert [each.only_for for each in stage.slack.workspace.by_bot(channel)] == ["U0ADA"]


async def test_a_private_reply_in_a_channel_is_for_one_person(stage: Stage) -> None:
    stage.channel = stage.people.channel("C0GENERAL", "U0ADA")
    stage.asked = await stage.people.writes("U0ADA", stage.channel, f"<@{BOT}> why?")
    chat = ChatAddress("slack", stage.channel, stage.asked.ts)
    assert await stage.platform.say(chat, "Because…", origin=stage.origin, private=True)
    assert (stage.only.only_for, stage.only.thread_ts) == ("U0ADA", stage.asked.ts)
    assert not await stage.platform.say(chat, "Because…", private=True)


async def test_a_file_is_downloaded_with_the_bots_token_up_to_a_size(stage: Stage) -> None:
    file = stage.people.file("notes.txt", b"six by seven")
    async with receiving(stage):
        await stage.people.writes("U0ADA", stage.channel, "Read this", files=[file])
        [message] = await received(stage)
        [found] = message.files
        assert (found.name, found.media_type, found.size) == ("notes.txt", "text/plain", 12)
        assert await found.fetch(12) == b"six by seven"
        with pytest.raises(Rejected, match="11 bytes"):
            await found.fetch(11)


async def test_the_token_never_goes_to_another_host(stage: Stage) -> None:
    elsewhere = stage.people.file("notes.txt", b"x") | {
        "url_private_download": "http://127.0.0.1:9/notes.txt"
    }
    async with receiving(stage):
        await stage.people.writes("U0ADA", stage.channel, "Read this", files=[elsewhere])
        [message] = await received(stage)
        with pytest.raises(Rejected, match="doesn't host"):
            await message.files[0].fetch(100)


async def test_a_file_that_slack_does_not_host_is_named_and_a_deleted_one_is_not(
    stage: Stage,
) -> None:
    files = [
        {"id": "F1", "name": "plan.gdoc", "mode": "external"},
        {"id": "F2", "name": "gone.txt", "mode": "tombstone"},
    ]
    async with receiving(stage):
        await stage.people.writes("U0ADA", stage.channel, "Read these", files=files)
        [message] = await received(stage)
    assert [file.name for file in message.files] == ["plan.gdoc"]
    with pytest.raises(Rejected):
        await message.files[0].fetch(100)


async def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(stage: Stage) -> None:
    await stage.slack.drop_sockets()
    async with receiving(stage):
        await until_acknowledged(stage)
        stage.inbox.fails = True
        sent = await stage.people.writes("U0ADA", stage.channel, "Important")
        stage.slack.changed.clear()
        stage.inbox.fails = False
        await stage.slack.drop_sockets(politely=True)
        await until_acknowledged(stage)
    assert sent.ts in [message.message_id for message in stage.inbox.messages]


async def test_events_of_other_kinds_are_acknowledged(stage: Stage) -> None:
    async with receiving(stage):
        await stage.slack.event({"type": "reaction_added", "user": "U0ADA", "reaction": "eyes"})
        await stage.slack.deliver("interactive", {"type": "view_submission", "view": {}})
        await until_acknowledged(stage)
    assert len(stage.inbox.messages) == 1


@pytest.mark.parametrize("politely", [True, False])
async def test_a_lost_connection_is_made_again(stage: Stage, politely: bool) -> None:
    async with receiving(stage):
        await until_acknowledged(stage)
        stage.clock.now_ms += 60_000
        await stage.slack.drop_sockets(politely=politely)
        sent = await stage.people.writes("U0ADA", stage.channel, "Still there?")
        await until_acknowledged(stage)
    assert stage.inbox.messages[-1].message_id == sent.ts


async def test_a_connection_that_ends_at_once_is_left_to_the_layers_backoff(stage: Stage) -> None:
    async with asyncio.TaskGroup() as tasks:
        ready = asyncio.Event()
        running = tasks.create_task(_ends(stage, ready))
        await ready.wait()
        await stage.slack.drop_sockets(politely=True)
        assert "ended" in await running


async def _ends(stage: Stage, ready: asyncio.Event) -> str:
    with pytest.raises(Transient) as caught:
        await stage.platform.run(stage.inbox, ready.set)
    return str(caught.value)


async def test_a_missing_subscription_for_the_stop_button_is_logged_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.slack.subscribed = False
    for on in (True, False, True):
        await stage.platform.typing(stage.chat, stage.origin, on=on)
    assert caplog.text.count("agent_session_stopped") == 1


async def test_an_app_that_is_no_agent_is_asked_only_once(stage: Stage) -> None:
    stage.slack.workspace.agent = False
    for _ in range(2):
        await stage.platform.typing(stage.chat, stage.origin, on=True)
    assert stage.slack.errors == [("agents.sessions.setStatus", "not_an_agent")]


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
async def test_a_revoked_token_is_for_the_operator(stage: Stage, method: str) -> None:
    stage.slack.fail(method, Fault.error("token_revoked"))
    with pytest.raises(Misconfigured, match="token_revoked"):
        await stage.platform.run(stage.inbox, lambda: None)


async def test_slack_being_down_is_not_for_the_operator(stage: Stage) -> None:
    stage.slack.fail("auth.test", Fault(503, "down", "text/plain"))
    with pytest.raises(Transient):
        await stage.platform.run(stage.inbox, lambda: None)


async def test_the_check_names_what_is_missing(stage: Stage) -> None:
    found = {check.name: check for check in await stage.platform.check()}
    assert all(check.ok for check in found.values())
    assert found["token"].detail == "U0BOT in Team"
    stage.slack.workspace.scopes = "chat:write"
    stage.slack.fail("apps.connections.open", Fault.error("not_allowed_token_type"))
    found = {check.name: check for check in await stage.platform.check()}
    assert "im:history" in found["scopes"].detail
    assert "connections:write" in found["connection"].detail
    assert not found["connection"].ok
