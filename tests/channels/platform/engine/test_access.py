"""Nobody is answered unless the settings or a pairing allow the person."""

import pytest

from tests.channels.platform.chatting import ADA, chatting
from tests.channels.platform.scripted import message
from thinkaloud.channels.platform.engine.access import Access, Verdict
from thinkaloud.channels.platform.message import ChatAddress, Origin, Sender
from thinkaloud.channels.platform.pairing import Pairings
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.ports.clock import SystemClock
from thinkaloud.providers.scripted import Silence, say
from thinkaloud.stores.channel_state import MemoryChannelState

GROUP = ChatAddress("scripted", "group")


async def verdict(settings: PlatformSettings, sender: str = "ada", **message: bool) -> Verdict:
    access = Access("scripted", settings, Pairings(MemoryChannelState(), SystemClock()))
    is_group = message.get("is_group", False)
    person = Sender(sender, is_bot=message.get("is_bot", False))
    return await access.message(
        GROUP if is_group else ChatAddress("scripted", sender),
        Origin(person, "1", is_group, community="server" if is_group else ""),
        mentioned=message.get("mentioned", False),
    )


ALLOWED = PlatformSettings(allow_from=("ada",), allow_groups=("group",))


@pytest.mark.parametrize(
    ("settings", "sender", "about", "expected"),
    [
        (PlatformSettings(), "ada", {}, "pair"),
        (PlatformSettings(pairing=False), "ada", {}, "ignore"),
        (ALLOWED, "ada", {}, "allow"),
        (ALLOWED, "Ada", {}, "pair"),
        (ALLOWED, "", {}, "ignore"),
        (PlatformSettings(allow_from=("*",)), "eve", {}, "allow"),
        (PlatformSettings(allow_from=("*",)), "eve", {"is_bot": True}, "ignore"),
        (ALLOWED, "ada", {"is_group": True}, "ignore"),
        (ALLOWED, "ada", {"is_group": True, "mentioned": True}, "allow"),
        (ALLOWED, "eve", {"is_group": True, "mentioned": True}, "ignore"),
        (
            PlatformSettings(allow_from=("ada",)),
            "ada",
            {"is_group": True, "mentioned": True},
            "ignore",
        ),
        (
            PlatformSettings(allow_from=("ada",), allow_groups=("server",)),
            "ada",
            {"is_group": True, "mentioned": True},
            "allow",
        ),
        (
            PlatformSettings(allow_from=("*",), allow_groups=("*",), mention_only=False),
            "eve",
            {"is_group": True},
            "allow",
        ),
    ],
)
async def test_the_sender_is_authorised_and_not_the_room(
    settings: PlatformSettings, sender: str, about: dict[str, bool], expected: Verdict
) -> None:
    assert await verdict(settings, sender, **about) == expected


async def test_a_stranger_can_neither_stop_nor_ask_why_by_button() -> None:
    settings = PlatformSettings(allow_from=("ada",), thinking="on_request")
    async with chatting([say("Half"), Silence()], settings=settings) as chat:
        await chat.says("Go")
        await chat.shows("Half")
        eve = message("", sender="eve").origin
        await chat.lab.channel.inbox.stopped(ADA, eve.sender)
        await chat.lab.channel.inbox.chose(ADA, eve, "stop")
        await chat.lab.channel.inbox.chose(ADA, eve, "why")
        assert chat.platform.texts(ADA) == ["Half"]
        assert chat.lab.channel.status.pending == 1
        await chat.lab.channel.inbox.stopped(ADA, None)
        await chat.shows("Half\nStopped.")


async def test_the_edit_of_a_message_without_a_mention_can_add_one() -> None:
    settings = PlatformSettings(allow_from=("ada",), allow_groups=("group",))
    async with chatting([say("Yes?")], settings=settings) as chat:
        await chat.says("Hello", chat="group", is_group=True)
        await chat.says("Hello @bot", chat="group", is_group=True, mentioned=True)
        await chat.shows("Yes?", GROUP)
        await chat.says("Hello @bot!", chat="group", is_group=True, mentioned=True)
        await chat.lab.channel.quiet()
        assert len(chat.lab.model.requests) == 1
