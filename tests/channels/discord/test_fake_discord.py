"""The fake Discord refuses what Discord refuses."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.channels.discord.fake.people import People
from tests.channels.discord.fake.places import GENERAL
from tests.channels.discord.fake.server import TOKEN, FakeDiscord
from tests.channels.discord.harness import ADA, ManualClock

TEXT = {"type": 10, "content": "x"}
BUTTON = {"type": 2, "style": 2, "label": "Stop", "custom_id": "stop:1"}
V2 = 1 << 15


class Line:
    """A bare connection to the fake."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.clock = ManualClock()
        self.server = FakeDiscord(self.clock.steady_ms)
        self.people = People(self.server)
        self._session = session

    async def call(self, method: str, path: str, token: str = TOKEN, **body: Any) -> Any:
        async with self._session.request(
            method,
            f"{self.server.url}/api/v10{path}",
            json=body,
            headers={"Authorization": f"Bot {token}"},
        ) as response:
            self.headers = response.headers
            return response.status, await response.json()

    async def post(self, **body: Any) -> Any:
        return await self.call("POST", f"/channels/{GENERAL}/messages", **body)

    async def gateway(self, *payloads: Any) -> list[Any]:
        """Send payloads over a new connection, and return what comes back until it is silent."""
        url = self.server.gateway.resume_url + "?v=10&encoding=json"
        found: list[Any] = []
        async with self._session.ws_connect(url) as socket:
            found.append((await socket.receive_json())["op"])
            for payload in payloads:
                await socket.send_json(payload)
            await socket.send_json({"op": 1, "d": None})
            async for frame in socket:
                answer = json.loads(frame.data)
                if answer["op"] == 11:
                    break
                found.append(answer["t"] or answer["op"])
            return [*found, socket.close_code] if socket.closed else found


@asynccontextmanager
async def opened() -> AsyncGenerator[Line]:
    async with aiohttp.ClientSession() as session:
        line = Line(session)
        async with line.server.serving():
            yield line


def identify(intents: int = 513, token: str = TOKEN) -> Any:
    return {"op": 2, "d": {"token": token, "intents": intents, "properties": {}}}


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x" * 2_001},
        {"content": "🧠" * 1_001},
        {"content": " \n"},
        {"content": "x", "flags": 1},
        {"content": "x", "nonce": "n" * 26},
        {"content": "x", "components": [TEXT]},
        {"content": "x", "components": [{"type": 1, "components": [BUTTON, BUTTON]}]},
        {"content": "x", "components": [{"type": 1, "components": []}]},
        {"content": "x", "flags": V2, "components": [TEXT]},
        {"flags": V2, "components": []},
        {"flags": V2, "components": [TEXT] * 41},
        {"flags": V2, "components": [TEXT | {"content": "x" * 2_001}] * 2},
        {"flags": V2, "components": [{"type": 17, "components": []}]},
        {"flags": V2, "components": [BUTTON]},
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        {"content": "x", "message_reference": {"message_id": "1"}},
    ],
)
async def test_messages_that_break_a_limit_are_refused(body: Any) -> None:
    async with opened() as line:
        status, answer = await line.post(**body)
        assert status == 400
        assert answer["code"] in {50035, 50006}
        assert line.server.places.messages == {}


async def test_messages_at_the_limits_are_taken() -> None:
    async with opened() as line:
        fold = {"type": 17, "spoiler": True, "components": [TEXT | {"content": "x" * 3_999}]}
        for body in ({"content": "x" * 2_000}, {"flags": V2 | 4096, "components": [fold, TEXT]}):
            status, _ = await line.post(**body)
            assert status == 200


async def test_the_sixth_message_in_five_seconds_is_refused_with_the_time_to_wait() -> None:
    async with opened() as line:
        for left in (4, 3, 2, 1, 0):
            assert (await line.post(content="x"))[0] == 200
            assert line.headers["X-RateLimit-Remaining"] == str(left)
        line.clock.pass_seconds(2)
        status, answer = await line.post(content="x")
        assert (status, answer["retry_after"], answer["global"]) == (429, 3.0, False)
        assert "Via" in line.headers
        line.clock.pass_seconds(3)
        assert (await line.post(content="x"))[0] == 200


async def test_the_fifty_first_call_in_a_second_is_refused_for_the_whole_bot() -> None:
    async with opened() as line:
        for person in range(50):
            channel = line.server.places.direct_channel(str(10_000 + person))
            assert (await line.call("POST", f"/channels/{channel}/messages", content="x"))[0] == 200
        status, answer = await line.call("GET", "/users/@me")
        assert (status, answer["global"]) == (429, True)


async def test_a_nonce_is_good_for_one_message() -> None:
    async with opened() as line:
        first = await line.post(content="x", nonce="7", enforce_nonce=True)
        again = await line.post(content="y", nonce="7", enforce_nonce=True)
        assert first[1]["id"] == again[1]["id"]
        line.clock.pass_seconds(200)
        later = await line.post(content="y", nonce="7", enforce_nonce=True)
        assert first[1]["id"] != later[1]["id"]


async def test_only_own_messages_that_exist_can_be_edited() -> None:
    async with opened() as line:
        hers = await line.people.says(ADA, "Mine", GENERAL)
        path = f"/channels/{GENERAL}/messages/"
        assert (await line.call("PATCH", path + hers.id, content="x"))[1]["code"] == 50005
        assert (await line.call("PATCH", path + "1", content="x"))[1]["code"] == 10008
        assert (await line.call("POST", "/channels/1/messages", content="x"))[1]["code"] == 10003


async def test_a_message_of_components_stays_one() -> None:
    async with opened() as line:
        _, made = await line.post(flags=V2, components=[TEXT])
        path = f"/channels/{GENERAL}/messages/{made['id']}"
        assert (await line.call("PATCH", path, content="x"))[0] == 400


async def test_an_unedited_edit_is_noted() -> None:
    async with opened() as line:
        _, made = await line.post(content="x")
        await line.call("PATCH", f"/channels/{GENERAL}/messages/{made['id']}", content="x")
        assert line.server.errors == ["not modified"]


async def test_a_wrong_token_is_refused_everywhere() -> None:
    async with opened() as line:
        assert (await line.call("GET", "/users/@me", "wrong"))[0] == 401
        assert await line.gateway(identify(token="wrong")) == [10, 4004]


async def test_the_gateway_refuses_intents_that_are_off_and_unknown_ones() -> None:
    async with opened() as line:
        assert await line.gateway(identify(1 << 15)) == [10, 4014]
        assert await line.gateway(identify(1 << 30)) == [10, 4013]


async def test_identifying_twice_in_five_seconds_invalidates_the_session() -> None:
    async with opened() as line:
        assert await line.gateway(identify()) == [10, "READY", "GUILD_CREATE"]
        assert await line.gateway(identify()) == [10, 9]
        line.clock.pass_seconds(5)
        assert await line.gateway(identify()) == [10, "READY", "GUILD_CREATE"]


async def test_an_interaction_is_answered_once_and_within_three_seconds() -> None:
    async with opened() as line:
        later = line.server.new_interaction(ADA, GENERAL, None)
        path = f"/interactions/{later.id}/{later.token}/callback"
        line.clock.pass_seconds(3.1)
        assert (await line.call("POST", path, type=5))[1]["code"] == 10062
        now = line.server.new_interaction(ADA, GENERAL, None)
        hook = f"/webhooks/1/{now.token}"
        early = await line.call("PATCH", f"{hook}/messages/@original", content="x")
        assert early[1]["code"] == 10015
        await line.call("POST", f"/interactions/{now.id}/{now.token}/callback", type=5)
        twice = await line.call("POST", f"/interactions/{now.id}/{now.token}/callback", type=5)
        assert twice[1]["code"] == 40060
        assert (await line.call("PATCH", f"{hook}/messages/@original", content="x"))[0] == 200
        line.clock.pass_seconds(901)
        assert (await line.call("POST", hook, content="x"))[1]["code"] == 50027
