"""Files that people send, and the typing indicator."""

import asyncio

from tests.channels.platform.chatting import chatting
from tests.channels.platform.scripted import message
from thinkaloud.channels.platform.errors import Rejected
from thinkaloud.channels.platform.message import ChatMessage, InboundFile
from thinkaloud.channels.platform.platform import Limits
from thinkaloud.events.prompt import UserTurn
from thinkaloud.providers.scripted import Wait, say

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")


def file(name: str, data: bytes | Exception, size: int | None = None) -> InboundFile:
    async def fetch(limit: int) -> bytes:
        if isinstance(data, Exception):
            raise data
        return data

    return InboundFile(name, "application/octet-stream", size, fetch)


def with_files(text: str, *files: InboundFile) -> ChatMessage:
    plain = message(text)
    return ChatMessage(
        chat=plain.chat,
        sender=plain.sender,
        message_id="1",
        text=text,
        is_group=False,
        files=files,
        quoted="What was quoted",
    )


async def test_files_reach_the_model_by_their_content() -> None:
    async with chatting([say("Seen.")]) as chat:
        sent = with_files("Look", file("a.txt", b"the text"), file("b.bin", PNG))
        await chat.lab.channel.inbox.receive(sent)
        await chat.shows("Seen.")
        (turn,) = chat.lab.model.requests[0].turns
        assert isinstance(turn, UserTurn)
        assert "the text" in turn.text
        assert "What was quoted" in turn.text
        assert [image.media_type for image in turn.images] == ["image/png"]


async def test_a_file_that_cannot_be_used_is_named_and_the_rest_is_answered() -> None:
    token = RuntimeError("https://api.example/file/bot123:secret/x")
    async with chatting([say("Seen.")]) as chat:
        sent = with_files(
            "Look",
            file("song.mp3", b"\xff\xfb\x90\x00\x00"),
            file("huge.txt", b"", size=10**12),
            file("gone.txt", Rejected("it is gone.")),
            file("lost.txt", token),
        )
        await chat.lab.channel.inbox.receive(sent)
        await chat.shows("Seen.")
        words = "\n".join([bubble.visible for bubble in chat.platform.bubbles])
        for name in ("song.mp3", "huge.txt", "gone.txt", "lost.txt"):
            assert f"{name} is not used" in words
        assert "huge.txt is not used: it has more than" in words
        assert "secret" not in words


async def test_a_message_with_nothing_to_read_is_answered_with_what_can_be_read() -> None:
    async with chatting() as chat:
        await chat.says(" ")
        await chat.shows("I can read text, images and text files.")
        assert chat.lab.model.requests == []


async def test_the_typing_indicator_is_repeated_until_the_end() -> None:
    go = asyncio.Event()
    async with chatting([Wait(go), say("Done.")], limits=Limits(typing_seconds=4)) as chat:
        await chat.says("Go")
        await chat.clock.advance(9)
        assert chat.platform.typed == [True, True, True]
        go.set()
        await chat.shows("Done.")
        await chat.lab.channel.quiet()
        assert chat.platform.typed[-1] is False


async def test_content_that_does_not_change_is_shown_again_where_the_platform_asks_for_it() -> None:
    go = asyncio.Event()
    limits = Limits(edit_seconds=1, refresh_seconds=20)
    async with chatting([say("Half"), Wait(go)], limits=limits) as chat:
        await chat.says("Go")
        await chat.shows("Half")
        before = len(chat.platform.calls)
        await chat.clock.advance(65)
        assert len(chat.platform.calls) == before + 3
        go.set()
        await chat.lab.channel.quiet()
