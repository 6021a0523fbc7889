"""The fake WeCom refuses what WeCom refuses."""

from typing import Any

import pytest

from tests.channels.wecom.fake.chats import (
    EXPIRED,
    INVALID_BODY,
    INVALID_REQUEST,
    MAX_BYTES,
    PER_HOUR,
    PER_MINUTE,
    TOO_MANY,
    UNKNOWN_CHAT,
    Chats,
    Refused,
)


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def stream(content: str, *, finish: bool = False, name: str = "s1") -> dict[str, Any]:
    return {"msgtype": "stream", "stream": {"id": name, "content": content, "finish": finish}}


def message(content: str, chat: str = "ada") -> dict[str, Any]:
    return {"chatid": chat, "msgtype": "markdown", "markdown": {"content": content}}


def refusal(call: Any, *arguments: Any) -> int:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.code


def chats() -> tuple[Chats, Time]:
    time = Time()
    return Chats(time, known={"ada"}), time


def test_a_stream_expires_after_six_minutes() -> None:
    found, time = chats()
    found.respond("r", "ada", stream("a"))
    time.now = 360
    found.respond("r", "ada", stream("b"))
    time.now = 361
    assert refusal(found.respond, "r", "ada", stream("c")) == EXPIRED


def test_a_finished_stream_does_not_change() -> None:
    found, _ = chats()
    found.respond("r", "ada", stream("a", finish=True))
    assert refusal(found.respond, "r", "ada", stream("b")) == EXPIRED


def test_blank_text_does_not_finish_a_stream() -> None:
    found, _ = chats()
    found.respond("r", "ada", stream(" ", finish=True))
    assert not found.messages[0].finished


def test_a_request_has_one_stream() -> None:
    found, _ = chats()
    found.respond("r", "ada", stream("a"))
    assert refusal(found.respond, "r", "ada", stream("a", name="s2")) == INVALID_BODY


def test_lengths_are_counted_in_bytes() -> None:
    found, _ = chats()
    found.respond("r", "ada", stream("x" * MAX_BYTES))
    assert refusal(found.respond, "r", "ada", stream("天" * (MAX_BYTES // 3 + 1))) == INVALID_BODY
    assert refusal(found.send, message("x" * (MAX_BYTES + 1))) == INVALID_BODY


def test_a_chat_gets_thirty_messages_a_minute_and_a_thousand_an_hour() -> None:
    found, time = chats()
    for _ in range(PER_MINUTE):
        found.send(message("x"))
    assert refusal(found.send, message("x")) == TOO_MANY
    time.now += 60
    for _ in range(PER_HOUR - PER_MINUTE):
        time.now += 2.1
        found.send(message("x"))
    time.now += 61
    assert refusal(found.send, message("x")) == TOO_MANY


def test_only_chats_with_the_bot_can_be_written_to() -> None:
    found, _ = chats()
    assert refusal(found.send, message("x", "stranger")) == UNKNOWN_CHAT


def test_codes_are_those_of_wecom() -> None:
    assert (INVALID_REQUEST, EXPIRED) == (846605, 846608)
