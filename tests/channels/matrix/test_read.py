"""How events are read."""

from collections.abc import Mapping
from typing import Any

import pytest

from thinkaloud.channels.matrix.read import (
    Reference,
    Room,
    read_message,
    read_reaction,
    redacted_by,
)
from thinkaloud.channels.platform.message import ChatMessage, Fetch

ME = "@bot:example.org"
GROUP = Room("!room", is_group=True, me=ME, my_name="Think Aloud")


def download(url: str, encrypted: Mapping[str, Any] | None) -> Fetch:
    async def fetch(most: int) -> bytes:
        return url.encode()

    return fetch


def read(replied: Reference | None = None, **content: object) -> ChatMessage | None:
    event = {
        "type": "m.room.message",
        "event_id": "$1",
        "sender": "@ada:example.org",
        "origin_server_ts": 1,
        "content": {"msgtype": "m.text", "body": "Hello"} | content,
    }
    return read_message("matrix", event, "Ada", GROUP, download, replied)


def mentioning(body: str, **content: object) -> ChatMessage:
    found = read(body=body, **{"m.mentions": {"user_ids": [ME]}}, **content)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "body",
    [
        "@bot:example.org: /new",
        "@bot /new",
        "bot: /new",
        "Think Aloud: /new",
        "Think Aloud /new",
        "/new @bot:example.org",
    ],
)
def test_the_mention_is_removed_from_a_message(body: str) -> None:
    found = mentioning(body)
    assert found.mentioned
    assert found.text == "/new"


def test_a_name_inside_a_sentence_stays() -> None:
    assert mentioning("What is a bot for?").text == "What is a bot for?"
    assert mentioning("bottles are green").text == "bottles are green"


def test_only_ids_mention_and_no_names() -> None:
    for content in (
        {"body": "Think Aloud: hello"},
        {"body": "@bot:example.org: hello", "m.mentions": {}},
        {"body": "x", "m.mentions": {"user_ids": ["@bot2:example.org"], "room": True}},
        {"body": "x", "m.mentions": {"user_ids": ME}},
    ):
        found = read(**content)
        assert found is not None
        assert not found.mentioned


def test_a_link_of_an_older_client_mentions() -> None:
    html = '<a href="https://matrix.to/#/@bot:example.org">The Bot</a>: hello'
    found = read(body="The Bot: hello", formatted_body=html)
    assert found is not None
    assert (found.mentioned, found.text) == (True, "hello")


def test_a_reply_to_the_bot_counts_as_a_mention_and_quotes_nothing() -> None:
    relation = {"m.in_reply_to": {"event_id": "$0"}}
    found = read(
        Reference("$0", is_mine=True, text="Mine"),
        body="> <@bot:example.org> Mine\n> more\n\nWhy?",
        **{"m.relates_to": relation},
    )
    assert found is not None
    assert (found.mentioned, found.text, found.quoted, found.reply_to) == (True, "Why?", "", "$0")


def test_a_reply_to_somebody_quotes_the_message() -> None:
    relation = {"m.in_reply_to": {"event_id": "$0"}}
    found = read(Reference("$0", is_mine=False, text="Theirs"), **{"m.relates_to": relation})
    assert found is not None
    assert (found.mentioned, found.quoted) == (False, "Theirs")


def test_a_thread_is_a_conversation_and_its_fallback_no_reply() -> None:
    relation = {
        "rel_type": "m.thread",
        "event_id": "$root",
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": "$0"},
    }
    found = read(**{"m.relates_to": relation})
    assert found is not None
    assert found.chat.thread_id == "$root"
    assert found.reply_to is None


def test_notices_are_from_bots_and_edits_are_not_read() -> None:
    found = read(msgtype="m.notice")
    assert found is not None
    assert found.sender.is_bot
    edit = {"rel_type": "m.replace", "event_id": "$0"}
    assert read(**{"m.relates_to": edit, "m.new_content": {"body": "x"}}) is None


@pytest.mark.parametrize(
    "content",
    [
        {"msgtype": "m.unknown"},
        {"msgtype": None},
        {"msgtype": "m.text", "body": 5, "m.relates_to": "x", "m.mentions": ["y"]},
        {"msgtype": "m.image", "url": 5, "info": {"size": "big", "mimetype": 3}},
        {"msgtype": "m.file", "file": {"url": "https://example.org/x"}},
        {"msgtype": "m.file", "url": "mxc://../x"},
        {"msgtype": "m.file", "url": "mxc://h/../../v3/sync"},
        {"msgtype": "m.file", "url": "mxc://h/x?a"},
    ],
)
def test_malformed_content_is_harmless(content: dict[str, object]) -> None:
    found = read(**content)
    assert found is None or found.files == ()


def test_a_file_without_caption_has_no_text_and_one_with_a_caption_has() -> None:
    info = {"mimetype": "image/png", "size": 3}
    found = read(msgtype="m.image", body="a.png", url="mxc://h/1", info=info)
    assert found is not None
    assert found.text == ""
    (file,) = found.files
    assert (file.name, file.media_type, file.size) == ("a.png", "image/png", 3)
    found = read(msgtype="m.image", body="Look", filename="a.png", url="mxc://h/1", info=info)
    assert found is not None
    assert (found.text, found.files[0].name) == ("Look", "a.png")


@pytest.mark.parametrize(
    ("key", "action"),
    [("🛑", "stop"), ("⏹️", "stop"), ("💭", "why"), ("👍", None), (5, None), ("", None)],
)
def test_some_reactions_are_buttons(key: object, action: str | None) -> None:
    relation = {"rel_type": "m.annotation", "event_id": "$1", "key": key}
    found = read_reaction({"content": {"m.relates_to": relation}})
    assert found == (None if action is None else ("$1", action))


def test_redactions_are_read_in_all_room_versions() -> None:
    assert redacted_by({"redacts": "$1", "content": {}}) == "$1"
    assert redacted_by({"content": {"redacts": "$1"}}) == "$1"
    assert redacted_by({"content": {"redacts": 1}}) is None
