"""What people send in WeCom."""

from typing import Any

import pytest

from tests.channels.wecom.harness import ADA, GROUP, Harness, open_harness
from thinkaloud.channels.platform.errors import Rejected, Transient
from thinkaloud.channels.platform.message import ChatMessage
from thinkaloud.channels.wecom.read import without_mention


async def received(harness: Harness, **body: Any) -> ChatMessage:
    await harness.people.sends("ada", **body)
    return await harness.inbox.messages.get()


async def test_a_direct_message_arrives_with_what_an_answer_needs() -> None:
    async with open_harness() as harness:
        message = await harness.asked(" Why? @all ")
        assert message.chat == ADA
        assert (message.sender.id, message.text) == ("ada", "Why? @all")
        assert not message.is_group
        assert message.token == "req-1-1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@Aloud /new", "/new"),
        ("@Aloud\n/new", "/new"),
        ("@My Bot\u2005what is new?", "what is new?"),
        ("what is new? @Aloud", "what is new?"),
        ("@Aloud", ""),
        ("write to a@example.org now", "write to a@example.org now"),
    ],
)
def test_the_mention_is_not_part_of_the_text(text: str, expected: str) -> None:
    assert without_mention(text) == expected


async def test_a_group_message_is_a_mention_by_its_sender() -> None:
    async with open_harness() as harness:
        await harness.people.writes("ada", "Hello", group="group-1", mention=True)
        message = await harness.inbox.messages.get()
        assert message.chat == GROUP
        assert (message.sender.id, message.text) == ("ada", "Hello")
        assert message.is_group
        assert message.mentioned


async def test_a_file_is_downloaded_and_decrypted() -> None:
    async with open_harness() as harness:
        data = b"notes " * 100
        message = await received(
            harness, msgtype="file", file=harness.people.attaches("n.txt", data)
        )
        [file] = message.files
        assert await file.fetch(1_000) == data
        with pytest.raises(Rejected, match="599"):
            await file.fetch(599)


async def test_a_file_without_an_end_is_not_downloaded_whole() -> None:
    async with open_harness() as harness:
        uploaded = harness.people.attaches("n.txt", b"notes")
        harness.server.files.clear()
        [file] = (await received(harness, msgtype="image", image=uploaded)).files
        with pytest.raises(Rejected, match="more than 1,000 bytes"):
            await file.fetch(1_000)


async def test_a_file_with_a_wrong_key_is_rejected_in_words() -> None:
    async with open_harness() as harness:
        uploaded = {**harness.people.attaches("n.txt", b"notes"), "aeskey": "A" * 43}
        [file] = (await received(harness, msgtype="file", file=uploaded)).files
        with pytest.raises(Rejected, match="decrypted"):
            await file.fetch(1_000)


async def test_a_file_is_only_downloaded_over_tls_and_its_address_stays_secret() -> None:
    async with open_harness() as harness:
        plain = {"url": "http://127.0.0.1:1/canary", "aeskey": ""}
        [file] = (await received(harness, msgtype="file", file=plain)).files
        with pytest.raises(Rejected, match="not secure"):
            await file.fetch(1_000)
        closed = {"url": "https://127.0.0.1:1/canary", "aeskey": ""}
        [file] = (await received(harness, msgtype="file", file=closed)).files
        with pytest.raises(Transient) as caught:
            await file.fetch(1_000)
        assert "canary" not in str(caught.value)


async def test_text_and_images_in_one_message_arrive_together() -> None:
    async with open_harness() as harness:
        items = [
            {"msgtype": "text", "text": {"content": "Look:"}},
            {"msgtype": "image", "image": harness.people.attaches("a.png", b"png")},
            {"msgtype": "text", "text": {"content": "Nice?"}},
        ]
        message = await received(harness, msgtype="mixed", mixed={"msg_item": items})
        assert message.text == "Look:\nNice?"
        [file] = message.files
        assert await file.fetch(10) == b"png"


async def test_a_voice_message_is_its_transcript() -> None:
    async with open_harness() as harness:
        message = await received(harness, msgtype="voice", voice={"content": "Hello"})
        assert message.text == "Hello"


async def test_a_quoted_message_is_passed_along() -> None:
    async with open_harness() as harness:
        quote = {"msgtype": "text", "text": {"content": "Earlier"}}
        message = await received(harness, msgtype="text", text={"content": "And?"}, quote=quote)
        assert (message.text, message.quoted) == ("And?", "Earlier")


@pytest.mark.parametrize(
    "body",
    [
        {"msgtype": "event", "event": {"eventtype": "enter_chat"}},
        {"msgtype": "text", "text": "no object"},
        {"msgtype": "text", "from": "ada"},
        {"msgtype": "text", "msgid": 7},
        {"msgtype": {"text": "hi"}},
        {"msgtype": "mixed", "mixed": {"msg_item": "none"}},
    ],
)
async def test_events_and_malformed_messages_harm_nothing(body: dict[str, Any]) -> None:
    async with open_harness() as harness:
        message = {"msgid": "x", "chattype": "single", "from": {"userid": "ada"}, **body}
        await harness.server.push("aibot_msg_callback", message)
        await harness.people.writes("ada", "Still there?")
        found = await harness.inbox.messages.get()
        while not found.text:
            found = await harness.inbox.messages.get()
        assert found.text == "Still there?"


async def test_messages_are_handled_in_order_although_one_fails() -> None:
    async with open_harness() as harness:
        harness.inbox.failures = 1
        for text in ("one", "two", "three"):
            await harness.people.writes("ada", text)
        texts = [(await harness.inbox.messages.get()).text for _ in range(2)]
        assert texts == ["two", "three"]
