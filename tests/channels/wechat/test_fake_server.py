"""The fake iLink API refuses what WeChat refuses."""

import base64
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest

from tests.channels.wechat.fake.people import MAX_CHARACTERS
from tests.channels.wechat.fake.server import TOKEN, FakeWeChat

ADA = "ada@im.wechat"


class Bot:
    """A client without any care."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.server = FakeWeChat(lambda: self.now_ms)
        self.context = ""
        self._number = 0

    async def post(self, method: str, token: str = TOKEN, **body: Any) -> dict[str, Any]:
        self._number += 1
        headers = {
            "AuthorizationType": "ilink_bot_token",
            "Authorization": f"Bearer {token}",
            "X-WECHAT-UIN": base64.b64encode(str(self._number).encode()).decode(),
            "iLink-App-Id": "bot",
            "iLink-App-ClientVersion": "132105",
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.server.base}/ilink/bot/{method}",
                json=body | {"base_info": {}},
                headers=headers,
            ) as response,
        ):
            return await response.json()

    async def send(self, text: str, **fields: Any) -> int:
        """Send a message, ten seconds after the last one, and return the code."""
        self.now_ms += 10_000
        message = {
            "to_user_id": ADA,
            "client_id": f"c{self._number}",
            "message_type": 2,
            "message_state": 2,
            "item_list": [{"type": 1, "text_item": {"text": text}}],
            "context_token": self.context,
        } | fields
        return (await self.post("sendmessage", msg=message))["ret"]

    def receive_message(self) -> None:
        self.context = self.server.people.says("Hi", user=ADA)["context_token"]


@pytest.fixture
async def bot() -> AsyncGenerator[Bot]:
    found = Bot()
    async with found.server.serving():
        found.receive_message()
        yield found


async def test_a_message_may_have_1800_characters_in_utf16(bot: Bot) -> None:
    assert await bot.send("a" * MAX_CHARACTERS) == 0
    assert await bot.send("a" * (MAX_CHARACTERS + 1)) == -3
    assert await bot.send("😀" * (MAX_CHARACTERS // 2 + 1)) == -3
    assert await bot.send("  ") == -3


async def test_a_persons_message_permits_ten_messages(bot: Bot) -> None:
    assert [await bot.send("a") for _ in range(11)] == [0] * 10 + [-2]
    bot.receive_message()
    assert await bot.send("a") == 0


async def test_the_third_message_within_a_second_is_refused(bot: Bot) -> None:
    codes = [await bot.send("a")]
    for _ in range(2):
        bot.now_ms -= 10_000 - 400
        codes.append(await bot.send("a"))
    assert codes == [0, 0, -2]


async def test_an_old_context_token_is_refused_but_none_is_not(bot: Bot) -> None:
    old = bot.context
    bot.receive_message()
    assert await bot.send("a", context_token=old) == -2
    assert await bot.send("a", context_token=None) == 0


async def test_what_follows_an_angle_bracket_is_hidden(bot: Bot) -> None:
    assert await bot.send("a < b") == 0
    assert [bubble.text for bubble in bot.server.people.seen(ADA)] == ["a "]


async def test_a_message_that_is_sent_again_appears_once(bot: Bot) -> None:
    assert await bot.send("a", client_id="same") == 0
    assert await bot.send("a", client_id="same") == 0
    assert len(bot.server.people.seen(ADA)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"message_type": 1},
        {"message_state": 1},
        {"client_id": ""},
        {"item_list": []},
        {"to_user_id": "nobody@im.wechat", "context_token": None},
    ],
)
async def test_a_malformed_message_is_refused(bot: Bot, wrong: dict[str, Any]) -> None:
    assert await bot.send("a", **wrong) == -3


async def test_a_wrong_token_is_a_stale_login(bot: Bot) -> None:
    assert (await bot.post("getconfig", token="wrong", ilink_user_id=ADA))["errcode"] == -14


async def test_typing_needs_the_ticket_of_the_person(bot: Bot) -> None:
    ticket = (await bot.post("getconfig", ilink_user_id=ADA))["typing_ticket"]
    body: dict[str, Any] = {"ilink_user_id": ADA, "status": 1}
    assert (await bot.post("sendtyping", typing_ticket="x", **body))["ret"] == -1
    assert (await bot.post("sendtyping", typing_ticket=ticket, **body))["ret"] == 0


async def test_an_empty_cursor_replays_everything(bot: Bot) -> None:
    first = await bot.post("getupdates", get_updates_buf="")
    bot.receive_message()
    later = await bot.post("getupdates", get_updates_buf=first["get_updates_buf"])
    again = await bot.post("getupdates", get_updates_buf="")
    assert [len(each["msgs"]) for each in (first, later, again)] == [1, 1, 2]
