"""Commands in a chat: conversations, models, modes and the last thought."""

import pytest

from tests.channels.platform.chatting import ADA, Chat, chatting
from tests.channels.platform.clocks import settle
from tests.channels.platform.scripted import message
from thinkaloud.auth.settings import AuthSettings, OwnerSettings
from thinkaloud.channels.platform.engine.commands import Command, parse_command
from thinkaloud.channels.platform.errors import Transient
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.config import Settings
from thinkaloud.providers.scripted import say, think
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/new", Command("new")),
        (" /Thinking  off ", Command("thinking", "off")),
        ("/thinking\tlive", Command("thinking", "live")),
        ("/effort\nhigh", Command("effort", "high")),
        ("/model@my_bot\u00a0lab/qwen", Command("model", "lab/qwen")),
        ("/ new", None),
        ("/", None),
        ("/stop@my_bot", Command("stop")),
        ("!model lab/qwen", Command("model", "lab/qwen", "!")),
        ("/etc/hosts is what?", None),
        ("/newer", None),
        ("new", None),
        ("! important", None),
        ("/new " + "x" * 400, None),
    ],
)
def test_only_known_words_after_a_slash_are_commands(text: str, expected: Command | None) -> None:
    assert parse_command(text) == expected


async def replies(chat: Chat, text: str, message_id: str) -> str:
    """Send a command and return the reply."""
    before = len(chat.platform.bubbles)
    await chat.says(text, message_id)
    await chat.lab.channel.quiet()
    assert len(chat.platform.bubbles) == before + 1
    return chat.platform.bubbles[-1].text


async def test_new_begins_a_conversation_that_knows_nothing_of_the_old_one() -> None:
    async with chatting([say("A")], [say("B")], [say("C")]) as chat:
        await chat.says("first", "1")
        await chat.shows("A")
        await chat.says("second", "2")
        await chat.shows("B")
        await replies(chat, "/new", "3")
        await chat.says("third", "4")
        await chat.shows("C")
        sizes = [len(request.turns) for request in chat.lab.model.requests]
        assert sizes == [1, 3, 1]


async def test_a_repeated_new_is_carried_out_once_even_after_a_restart() -> None:
    state, store = MemoryChannelState(), MemoryStore()
    async with chatting([say("A")], state=state, store=store) as chat:
        await replies(chat, "/new", "1")
        await chat.says("/new", "1")
        await chat.says("first", "2")
        await chat.shows("A")
    async with chatting([say("B")], state=state, store=store) as chat:
        await chat.says("/new", "1")
        await chat.says("second", "3")
        await chat.shows("B")
        assert len(chat.lab.model.requests[0].turns) == 3


async def test_thinking_is_set_for_a_chat_and_kept() -> None:
    state = MemoryChannelState()
    async with chatting([think("Hm."), say("A")], state=state) as chat:
        assert "The mode is `live`. To change it" in await replies(chat, "/thinking", "1")
        assert "Did you mean `folded`?" in await replies(chat, "/thinking fold", "2")
        assert "Set to `off`" in await replies(chat, "/thinking off", "3")
        await chat.says("Why?", "4")
        await chat.shows("A")
        assert not any("Hm." in call for call in chat.platform.calls)
    async with chatting(state=state) as chat:
        assert "The mode is `off`. To change it" in await replies(chat, "/thinking", "5")


async def test_why_quotes_the_last_thought_to_the_asker_alone() -> None:
    settings = PlatformSettings(allow_from=("ada",), thinking="on_request")
    async with chatting([think("Deep"), say("A")], settings=settings) as chat:
        assert "no reasoning" in await replies(chat, "/why", "1")
        await chat.says("Why?", "2")
        await chat.shows("<Thought for 1 s: >\nA")
        assert "> Deep" in await replies(chat, "/why", "3")
        assert chat.platform.bubbles[-1].private_to == "ada"


async def test_why_shows_nothing_where_reasoning_is_off_or_the_run_is_of_another_chat() -> None:
    settings = PlatformSettings(allow_from=("ada", "bob"), thinking="on_request")
    async with chatting([think("Deep"), say("A")], settings=settings) as chat:
        await chat.says("Why?", "1")
        await chat.shows("<Thought for 1 s: >\nA")
        run_id = await latest_run(chat)
        bob = message("", chat="bob", sender="bob")
        await chat.lab.channel.inbox.chose(bob.chat, bob.origin, f"why:{run_id}")
        await chat.lab.channel.quiet()
        assert "no reasoning" in chat.platform.texts(ChatAddress("scripted", "bob"))[-1]
        await replies(chat, "/thinking off", "2")
        assert "Reasoning is off" in await replies(chat, "/why", "3")


async def latest_run(chat: Chat) -> str:
    fold = await chat.lab.runtime.runs.hub.fold(chat.lab.runtime.owner, "scripted:ada")
    return list(fold.runs)[-1]


async def test_model_and_effort_are_chosen_for_the_chat_with_the_nearest_names_on_a_mistake() -> (
    None
):
    async with chatting([say("A")]) as chat:
        now = await replies(chat, "/model", "1")
        assert "The model is `scripted/model`. To change it, send `/model ID`" in now
        assert "Did you mean `scripted/model`" in await replies(chat, "/model scripted/modell", "2")
        assert "Set to `scripted/model`" in await replies(chat, "/model scripted/model", "3")
        assert "Choose: `none`" in await replies(chat, "/effort extreme", "4")
        assert "Set to the default" in await replies(chat, "/effort Default", "4b")
        assert "Set to `high`" in await replies(chat, "/effort high", "5")
        assert "To change it, send `/effort LEVEL`" in await replies(chat, "/effort", "5b")
        await chat.says("Hi", "6")
        await chat.shows("A")
        assert chat.lab.model.requests[0].effort == "high"


async def test_replies_come_in_the_order_of_the_commands_even_if_one_has_to_be_sent_again() -> None:
    async with chatting() as chat:
        chat.platform.failures = [Transient("down"), None]
        await chat.says("/thinking off", "1")
        await chat.says("/thinking live", "2")
        await chat.says("/new", "3")
        for _ in range(20):
            await chat.clock.advance(1)
        await chat.lab.channel.quiet()
        shown = [bubble.text[:14] for bubble in chat.platform.bubbles]
        assert shown == ["Set to `off`: ", "Set to `live`:", "Started a new "]


async def test_a_reply_names_commands_as_the_person_wrote_them() -> None:
    async with chatting() as chat:
        assert "`!new`" in await replies(chat, "!help", "1")
        assert "send `!thinking MODE`" in await replies(chat, "!thinking", "2")
        assert "send `!model ID`" in await replies(chat, "!model", "3")
        assert "send `!effort LEVEL`" in await replies(chat, "!effort", "4")
        assert "who sends !why" in await replies(chat, "!thinking on_request", "5")
        assert "Set to `off`" in await replies(chat, "!thinking off", "6")
        assert "`!thinking on_request` allows `!why`" in await replies(chat, "!why", "7")


async def test_help_lists_every_command() -> None:
    async with chatting() as chat:
        text = await replies(chat, "/help", "1")
        for name in ("new", "stop", "thinking", "model", "effort", "why"):
            assert f"/{name}" in text


async def test_stop_without_a_run_says_so() -> None:
    async with chatting() as chat:
        assert await replies(chat, "/stop", "1") == "There is nothing to stop."


async def test_the_channel_has_its_own_system_prompt_effort_and_owner() -> None:
    settings = PlatformSettings(
        allow_from=("ada",), system_prompt="Be brief.", reasoning_effort="low", owner="team"
    )
    async with chatting([say("A")], settings=settings) as chat:
        await chat.says("Hi")
        await chat.shows("A")
        request = chat.lab.model.requests[0]
        assert (request.system, request.effort) == ("Be brief.", "low")
        assert await chat.lab.runtime.store.conversation("team", "scripted:ada") is not None
        assert chat.platform.texts(ADA) == ["A"]


async def test_messages_in_a_chat_count_against_the_limits_of_its_owner() -> None:
    limits = {"team": OwnerSettings(requests_per_minute=1)}
    settings = PlatformSettings(allow_from=("ada",), owner="team")
    configured = Settings(auth=AuthSettings(owners=limits))
    async with chatting([say("A")], settings=settings, configured=configured) as chat:
        await chat.says("Hi", "1")
        await chat.shows("A")
        await chat.says("And now?", "2")
        await chat.lab.channel.quiet()
        assert "1 requests per minute" in chat.platform.texts(ADA)[-1]
        assert len(chat.lab.model.requests) == 1


async def test_what_another_version_stored_is_ignored_and_the_chat_works() -> None:
    state = MemoryChannelState()
    await state.put("scripted", "chat", "ada", b'{"thinking": "sideways"}')
    await state.put("scripted", "conversation", '["ada",null,"local"]', b"[]")
    await state.put("scripted", "delivery", "x", b"{}")
    await state.put("scripted", "person", "eve", b"1")
    async with chatting([say("A")], state=state) as chat:
        await chat.says("Hi", "1")
        await chat.shows("A")
        await chat.says("Hi", "2", chat="eve", sender="eve")
        await chat.lab.channel.quiet()
        assert "channels pair" in chat.platform.texts(ChatAddress("scripted", "eve"))[-1]


@pytest.mark.parametrize("prefix", ["/", "!"])
async def test_an_unknown_model_is_answered_with_the_command_that_lists_models(prefix: str) -> None:
    async with chatting() as chat:
        await chat.says(f"{prefix}model no/such")
        await settle()
        assert f"{prefix}model lists the models" in chat.platform.bubbles[-1].visible
        assert "thinkaloud" not in chat.platform.bubbles[-1].visible
