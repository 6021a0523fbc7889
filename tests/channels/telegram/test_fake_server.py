"""The fake Bot API enforces what the real one does: otherwise the other tests prove nothing."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest

from tests.channels.telegram.fake.people import People
from tests.channels.telegram.fake.server import TOKEN, FakeTelegram
from tests.channels.telegram.harness import ManualClock

Call = tuple[int, dict[str, Any]]


class Client:
    """Calls without any library."""

    def __init__(
        self, server: FakeTelegram, clock: ManualClock, http: aiohttp.ClientSession
    ) -> None:
        self.server = server
        self.clock = clock
        self._http = http

    async def call(self, method: str, *, token: str = TOKEN, **parameters: Any) -> Call:
        data = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in parameters.items()
        }
        async with self._http.post(f"{self.server.base}/bot{token}/{method}", data=data) as found:
            return found.status, await found.json()

    async def refused(self, method: str, **parameters: Any) -> str:
        """Return the reason why a call is refused."""
        status, body = await self.call(method, **parameters)
        assert status == 400, body
        return str(body["description"])

    async def rich(self, *blocks: Any, chat_id: int = 1) -> str:
        """Return the reason why these blocks are refused."""
        return await self.refused(
            "sendRichMessage", chat_id=chat_id, rich_message={"blocks": blocks}
        )


@pytest.fixture
async def client() -> AsyncGenerator[Client]:
    clock = ManualClock()
    server = FakeTelegram(clock.steady_ms)
    server.chats.kinds |= {1: "private", -100: "supergroup"}
    async with server.serving(), aiohttp.ClientSession() as http:
        yield Client(server, clock, http)


async def test_a_wrong_token_an_unknown_method_and_an_unknown_chat_are_refused(
    client: Client,
) -> None:
    assert (await client.call("getMe", token="1:x"))[0] == 401
    assert (await client.call("sendTelepathy"))[0] == 404
    assert "chat not found" in await client.refused("sendMessage", chat_id=5, text="x")


async def test_a_private_chat_takes_three_messages_at_once_then_one_a_second(
    client: Client,
) -> None:
    for _ in range(3):
        assert (await client.call("sendMessage", chat_id=1, text="x"))[0] == 200
    status, body = await client.call("sendMessage", chat_id=1, text="x")
    assert status == 429
    assert body["parameters"] == {"retry_after": 3}
    client.clock.pass_seconds(3)
    assert (await client.call("sendMessage", chat_id=1, text="x"))[0] == 200


async def test_a_group_takes_twenty_messages_a_minute_edits_included(client: Client) -> None:
    _, body = await client.call("sendMessage", chat_id=-100, text="0")
    message = body["result"]["message_id"]
    for number in range(1, 20):
        client.clock.pass_seconds(1)
        status, _ = await client.call(
            "editMessageText", chat_id=-100, message_id=message, text=str(number)
        )
        assert status == 200
    client.clock.pass_seconds(1)
    status, body = await client.call("sendMessage", chat_id=-100, text="x")
    assert (status, body["parameters"]["retry_after"]) == (429, 40)


async def test_all_chats_together_take_thirty_messages_a_second(client: Client) -> None:
    client.server.chats.kinds |= dict.fromkeys(range(1, 40), "private")
    codes = [(await client.call("sendMessage", chat_id=chat, text="x"))[0] for chat in range(1, 32)]
    assert codes == [200] * 30 + [429]


async def test_drafts_have_a_limit_of_their_own_expire_and_give_way_to_messages(
    client: Client,
) -> None:
    block = {"blocks": [{"type": "thinking", "text": "hm"}]}
    for _ in range(4):
        code, _ = await client.call(
            "sendRichMessageDraft", chat_id=1, draft_id=5, rich_message=block
        )
        assert code == 200
    assert (await client.call("sendRichMessageDraft", chat_id=1, draft_id=5, rich_message=block))[
        0
    ] == 429
    client.clock.pass_seconds(29)
    assert client.server.chats.draft_in(1)
    client.clock.pass_seconds(1)
    assert client.server.chats.draft_in(1) is None
    await client.call("sendRichMessageDraft", chat_id=1, draft_id=5, rich_message=block)
    await client.call("sendMessage", chat_id=1, text="x")
    assert client.server.chats.draft_in(1) is None


async def test_drafts_are_refused_in_groups_and_without_id(client: Client) -> None:
    block = {"blocks": [{"type": "thinking", "text": "hm"}]}
    assert "PEER_INVALID" in await client.refused(
        "sendRichMessageDraft", chat_id=-100, draft_id=5, rich_message=block
    )
    assert "non-zero" in await client.refused(
        "sendRichMessageDraft", chat_id=1, draft_id=0, rich_message=block
    )


async def test_rich_messages_are_checked_for_length_blocks_levels_columns_and_fields(
    client: Client,
) -> None:
    paragraph = {"type": "paragraph", "text": "x"}
    client.server.rates.on = False
    assert "too long" in await client.rich({"type": "paragraph", "text": "x" * 32_769})
    assert "too many blocks" in await client.rich(*[paragraph] * 501)
    deep: dict[str, Any] = paragraph
    for _ in range(16):
        deep = {"type": "blockquote", "blocks": [deep]}
    assert "too deeply" in await client.rich(deep)
    cell = {"align": "left", "valign": "top", "text": "x"}
    assert "too many columns" in await client.rich({"type": "table", "cells": [[cell] * 21]})
    assert "drafts only" in await client.rich({"type": "thinking", "text": "x"})
    assert "unsupported block" in await client.rich({"type": "marquee", "text": "x"})
    assert "wrong fields" in await client.rich({"type": "paragraph", "text": "x", "bold": True})
    assert "unsupported rich text" in await client.rich({"type": "paragraph", "text": {"a": 1}})
    assert "exactly one" in await client.refused(
        "sendRichMessage", chat_id=1, rich_message={"html": "x", "blocks": [paragraph]}
    )


async def test_html_is_checked_for_length_tags_nesting_and_emptiness(client: Client) -> None:
    async def html(text: str) -> str:
        return await client.refused("sendMessage", chat_id=1, text=text, parse_mode="HTML")

    client.server.rates.on = False
    assert "too long" in await html("x" * 4_097)
    assert "too long" in await html("😀" * 2_049)
    assert "unsupported start tag" in await html("<table>x</table>")
    assert "nested" in await html("<blockquote><blockquote>x</blockquote></blockquote>")
    assert "end tag" in await html("<b>x")
    assert "empty" in await html("<b> </b>")


async def test_an_edit_that_changes_nothing_and_one_of_a_deleted_message_are_refused(
    client: Client,
) -> None:
    _, body = await client.call("sendMessage", chat_id=1, text="x")
    message = body["result"]["message_id"]
    assert "not modified" in await client.refused(
        "editMessageText", chat_id=1, message_id=message, text="x"
    )
    client.server.chats.delete(1, message)
    assert "not found" in await client.refused(
        "editMessageText", chat_id=1, message_id=message, text="y"
    )


async def test_a_name_in_a_text_notifies_unless_detection_is_off_or_it_is_code(
    client: Client,
) -> None:
    blocks = [{"type": "paragraph", "text": "ask @somebody"}]
    await client.call("sendRichMessage", chat_id=1, rich_message={"blocks": blocks})
    quiet = {"blocks": blocks, "skip_entity_detection": True}
    await client.call("sendRichMessage", chat_id=1, rich_message=quiet)
    html = "<code>@somebody</code> or @other"
    await client.call("sendMessage", chat_id=1, text=html, parse_mode="HTML")
    notified = [bubble.notified for bubble in client.server.seen(1)]
    assert notified == [("somebody",), (), ("other",)]


async def test_updates_are_repeated_until_confirmed_and_only_one_may_ask(client: Client) -> None:
    people = People(client.server)
    people.says("one")
    first = (await client.call("getUpdates"))[1]["result"]
    assert (await client.call("getUpdates"))[1]["result"] == first
    async with asyncio.TaskGroup() as tasks:
        offset = first[0]["update_id"] + 1
        client.server.updates.asked.clear()
        older = tasks.create_task(client.call("getUpdates", offset=offset, timeout=25))
        await client.server.updates.asked.wait()
        newer = tasks.create_task(client.call("getUpdates", offset=offset, timeout=25))
        assert (await older)[0] == 409
        people.says("two")
        assert (await newer)[1]["result"][0]["message"]["text"] == "two"
    assert (await client.call("getUpdates", offset=offset + 1))[1]["result"] == []


async def test_updates_are_refused_while_there_is_a_webhook_and_filtered_by_kind(
    client: Client,
) -> None:
    client.server.updates.webhook = "https://example.org"
    assert (await client.call("getUpdates"))[0] == 409
    await client.call("deleteWebhook")
    people = People(client.server)
    message = people.says("one")
    people.edits(message, "two")
    found = await client.call("getUpdates", allowed_updates=["edited_message"])
    assert [set(update) - {"update_id"} for update in found[1]["result"]] == [{"edited_message"}]


async def test_ephemeral_messages_are_for_groups_and_have_no_id(client: Client) -> None:
    reader = {"receiver_user_id": 1}
    assert "groups only" in await client.refused(
        "sendMessage", chat_id=1, text="x", ephemeral_message_parameters=reader
    )
    _, body = await client.call(
        "sendMessage", chat_id=-100, text="x", ephemeral_message_parameters=reader
    )
    assert body["result"]["message_id"] == 0
    assert client.server.seen(-100)[0].reader == 1


async def test_a_button_carries_at_most_64_bytes(client: Client) -> None:
    keyboard = {"inline_keyboard": [[{"text": "x", "callback_data": "x" * 65}]]}
    assert "BUTTON_DATA_INVALID" in await client.refused(
        "sendMessage", chat_id=1, text="x", reply_markup=keyboard
    )
