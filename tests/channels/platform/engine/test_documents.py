"""What a chat gets of an answer that is too long for messages."""

import asyncio
from itertools import pairwise

import msgspec

from tests.channels.platform.chatting import ADA, Chat, chatting
from tests.channels.platform.scripted import DocumentPlatform
from thinkaloud.channels.platform.engine.delivery import DeliveryRecord
from thinkaloud.channels.platform.errors import Rejected, RetryLater, Transient
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.providers.scripted import Wait, say
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.memory import MemoryStore

SETTINGS = PlatformSettings(allow_from=("ada",), answer_messages=2)
LINES = [f"line {n} of the answer" for n in range(20)]
LONG = "\n".join(LINES)
START = "\n".join(LINES[:10])
"""To the first end of a line behind 200 characters."""


def documents(chat: Chat) -> list[str]:
    assert isinstance(chat.platform, DocumentPlatform)
    return [each.data.decode() for each in chat.platform.documents]


async def test_a_long_answer_is_cut_and_comes_completely_as_one_document() -> None:
    async with chatting([say(LONG)], settings=SETTINGS, documents=True) as chat:
        await chat.says("Tell me all")
        await chat.shows(f"{START}\n\n…")
        await chat.finished()
        assert documents(chat) == [f"{LONG}\n"]
        assert len(chat.platform.texts(ADA)) == 1


async def test_an_answer_that_fits_comes_without_a_document() -> None:
    async with chatting([say(START)], settings=SETTINGS, documents=True) as chat:
        await chat.says("Tell me some")
        await chat.shows(START)
        await chat.finished()
        assert documents(chat) == []


async def test_a_platform_without_files_shows_all_of_a_long_answer() -> None:
    async with chatting([say(LONG)], settings=SETTINGS) as chat:
        await chat.says("Tell me all")
        await chat.shows(LONG)


async def test_what_is_shown_of_a_growing_answer_never_changes_back() -> None:
    async with chatting(
        [say(*(f"{line}\n" for line in LINES))], settings=SETTINGS, documents=True
    ) as chat:
        await chat.says("Tell me all")
        await chat.shows(f"{START}\n\n…")
        shown = [text.removesuffix("\n\n…").rstrip() for text in chat.platform.calls]
        assert all(later.startswith(one) for one, later in pairwise(shown))


async def test_a_document_is_sent_again_after_a_rate_limit_and_a_lost_connection() -> None:
    go = asyncio.Event()
    async with chatting([Wait(go), say(LONG)], settings=SETTINGS, documents=True) as chat:
        assert isinstance(chat.platform, DocumentPlatform)
        chat.platform.document_failures = [RetryLater(20), Transient("down")]
        await chat.says("Tell me all")
        go.set()
        await chat.shows(f"{START}\n\n…")
        await chat.finished()
        assert documents(chat) == [f"{LONG}\n"]


async def test_where_the_document_is_refused_the_rest_comes_as_a_message() -> None:
    async with chatting([say(LONG)], settings=SETTINGS, documents=True) as chat:
        assert isinstance(chat.platform, DocumentPlatform)
        chat.platform.document_failures = [Rejected("no scope for files")]
        await chat.says("Tell me all")
        await chat.finished()
        assert documents(chat) == []
        assert chat.platform.texts(ADA) == [f"{START}\n\n…", "\n".join(LINES[10:])]


async def test_a_restart_before_the_document_neither_loses_it_nor_repeats_the_text() -> None:
    state, store = MemoryChannelState(), MemoryStore()
    async with chatting(
        [say(LONG)], settings=SETTINGS, state=state, store=store, documents=True
    ) as first:
        assert isinstance(first.platform, DocumentPlatform)
        first.platform.document_failures = [Transient("down")] * 1000
        await first.says("Tell me all")
        await first.shows(f"{START}\n\n…")
    async with chatting(settings=SETTINGS, state=state, store=store, documents=True) as second:
        second.platform.bubbles = first.platform.bubbles
        await second.finished()
        assert documents(second) == [f"{LONG}\n"]
        assert second.platform.texts(ADA) == [f"{START}\n\n…"]


async def test_code_that_is_cut_goes_on_as_code() -> None:
    code = "```python\n" + "\n".join(f"print({n})" for n in range(40)) + "\n```"
    async with chatting([say(code)], settings=SETTINGS, documents=True) as chat:
        assert isinstance(chat.platform, DocumentPlatform)
        chat.platform.document_failures = [Rejected("no scope for files")]
        await chat.says("Code")
        await chat.finished()
        first, rest = chat.platform.texts(ADA)
        assert first.startswith("```python\nprint(0)\n")
        assert rest.startswith("```python\nprint(")
        assert rest.endswith("print(39)\n```")


async def test_a_document_that_was_sent_just_before_a_crash_is_not_sent_again() -> None:
    state, store = MemoryChannelState(), MemoryStore()
    async with chatting(
        [say(LONG)], settings=SETTINGS, state=state, store=store, documents=True
    ) as first:
        assert isinstance(first.platform, DocumentPlatform)
        first.platform.document_failures = [Transient("down")] * 1000
        await first.says("Tell me all")
        await first.shows(f"{START}\n\n…")
        (entry,) = await state.entries("delivery")
    record = msgspec.json.decode(entry.value, type=DeliveryRecord)
    sent = msgspec.structs.replace(record, completed=True)
    await state.put("scripted", "delivery", entry.key, msgspec.json.encode(sent))
    async with chatting(settings=SETTINGS, state=state, store=store, documents=True) as second:
        await second.finished()
        assert documents(second) == []
