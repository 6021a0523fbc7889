"""`/ws`: invalid commands and other owners' chats are rejected without closing the socket."""

import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.channels.sockets import client, hosting, texts
from tests.server.credentials import Named, credential
from thinkaloud.channels.settings import WebSocketSettings
from thinkaloud.ports.principal import Principal, UsageLimits
from thinkaloud.runtime.runs.supervisor import RunRequest
from thinkaloud.testing import (
    ScriptedModel,
    Silence,
    say,
    think,
)

CANARY = "canary-4711"
BAD_FRAMES: dict[str, tuple[str | bytes, str, str | None]] = {
    "no UTF-8": (b"\xff\xfe", "malformed_text", None),
    "no UTF-8 in JSON": (b'{"content": "\xff"}', "malformed_json", None),
    "deep": ('{"content":' + "[" * 5_000, "malformed_json", None),
    "empty": ("", "invalid_request", "content"),
    "NUL": ('{"content": "a\\u0000"}', "invalid_request", "content"),
    "half a surrogate pair": ('{"content": "\\ud83d"}', "malformed_json", None),
    "blank": ("  \n ", "invalid_request", "content"),
    "nothing said": ("{}", "invalid_request", "type"),
    "unknown type": ('{"type": "dance"}', "invalid_request", "type"),
    "type a number": ('{"type": 1}', "invalid_request", "type"),
    "no chat": ('{"type": "attach"}', "invalid_request", "chat_id"),
    "no content": ('{"type": "message", "chat_id": "room"}', "invalid_request", "content"),
    "content a number": ('{"content": 5}', "invalid_request", "content"),
    "bad chat": ('{"type": "attach", "chat_id": "a b"}', "invalid_request", "chat_id"),
    "chat with a line break": (
        '{"type": "attach", "chat_id": "room\\n"}', "invalid_request", "chat_id",
    ),
    "long chat": (
        f'{{"type": "stop", "chat_id": "{"x" * 65}"}}', "invalid_request", "chat_id",
    ),
    "cursor a text": (
        '{"type": "attach", "chat_id": "room", "after": "1"}', "invalid_request", "after",
    ),
    "cursor below zero": (
        '{"type": "attach", "chat_id": "room", "after": -1}', "invalid_request", "after",
    ),
    "unknown model": (
        '{"type": "message", "chat_id": "room", "content": "Hi", "model": "no/such"}',
        "unknown_model", "model",
    ),
    "unknown effort": (
        '{"type": "message", "chat_id": "room", "content": "Hi", "reasoning_effort": "huge"}',
        "unsupported_effort", "reasoning_effort",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FRAMES)
async def test_a_bad_frame_is_an_error_and_the_socket_stays_open(name: str) -> None:
    frame, code, field = BAD_FRAMES[name]
    async with hosting(ScriptedModel([say("Hi.")])) as served, client(served) as one:
        await one.send(frame)
        error = (await one.until("error"))[-1]
        assert (error["code"], error.get("field")) == (code, field)
        assert error["detail"][-1] in ".?"
        assert field is None or field in error["detail"] or code.startswith("un")
        await one.send("Hello")
        assert texts(await one.turn(one.ready["chat_id"]), "delta") == "Hi."


async def test_a_message_for_a_chat_whose_log_is_closed_is_a_soft_error() -> None:
    async with hosting(ScriptedModel([say("Hi.")])) as served, client(served) as one:
        await one.say("room")
        await one.turn("room")
        await served.runs.interrupt()
        await one.send({"type": "detach", "chat_id": "room"})
        await one.say("room", include_reasoning=False)
        assert (await one.until("error"))[-1]["chat_id"] == "room"
        await one.send({"type": "dance"})
        assert (await one.until("error"))[-1]["field"] == "type"


async def test_a_refused_message_is_named_by_the_clients_own_id() -> None:
    async with hosting(ScriptedModel()) as served, client(served) as one:
        await one.say("room", model="no/such", client_message_id="m-1")
        error = (await one.until("error"))[-1]
    assert (error["chat_id"], error["client_message_id"]) == ("room", "m-1")
    assert error["nearest"] == ["scripted/model"]


async def test_a_message_beyond_a_limit_is_refused_with_when_to_try_again() -> None:
    limits = (("key:1", UsageLimits(requests_per_minute=1)),)
    known = Named(ana=Principal("ana", limits=limits))
    async with hosting(ScriptedModel([say("Hi.")]), authenticator=known) as served:
        address = f"{served.url}/ws".replace("http", "ws", 1)
        async with connect(address, additional_headers=credential("ana")) as socket:
            error: dict[str, Any] = {}
            for _ in range(2):
                await socket.send('{"type": "message", "chat_id": "room", "content": "Hi"}')
            while error.get("event") != "error":
                error = json.loads(await socket.recv())
    assert error["code"] == "rate_limited"
    assert 50 < error["retry_after"] <= 60


@pytest.mark.promise("P12")
async def test_another_owners_chat_looks_like_one_that_does_not_exist() -> None:
    model = ScriptedModel([think(CANARY), say(CANARY)], [say("Hello.")])
    async with hosting(model) as served:
        record = await served.runs.start(Principal("somebody"), RunRequest("Hi", "theirs"))
        await served.runs.active.wait(record.run_id)
        async with client(served) as one:
            for frame in (
                {"type": "stop"},
                {"type": "attach", "after": 1},
                {"type": "attach"},
                {"type": "attach", "after": 0},
            ):
                answers = []
                for name in ("theirs", "free"):
                    await one.send({**frame, "chat_id": name})
                    answer = await one.receive()
                    answers.append({k: v for k, v in answer.items() if v != name})
                assert answers[0] == answers[1]
            await one.say("theirs")
            assert texts(await one.turn("theirs"), "delta") == "Hello."
    assert CANARY not in "".join(one.raw)


@pytest.mark.promise("P12")
async def test_an_unused_id_that_another_owner_takes_stays_silent() -> None:
    async with (
        hosting(ScriptedModel([think(CANARY), say(CANARY)])) as served,
        client(served) as one,
    ):
        await one.attach("free")
        record = await served.runs.start(Principal("somebody"), RunRequest("Hi", "free"))
        await served.runs.active.wait(record.run_id)
        await one.send({"type": "ping"})
        assert (await one.receive())["event"] == "pong"
    assert CANARY not in "".join(one.raw)


@pytest.mark.promise("P10", "P12")
async def test_a_stop_never_reaches_another_owners_run() -> None:
    model = ScriptedModel([think("Hm"), Silence()])
    async with hosting(model) as served, client(served) as one:
        record = await served.runs.start(Principal("somebody"), RunRequest("Hi", "theirs"))
        await one.send({"type": "stop", "chat_id": "theirs"})
        (error,) = await one.until("error")
        assert error["code"] == "not_found"
        assert record.run_id in served.runs.active
        assert model.open_streams == 1


async def test_a_deleted_chat_is_reported_and_the_socket_stays_open() -> None:
    async with (
        hosting(ScriptedModel([say("Hi.")], [say("Hi.")])) as served,
        client(served) as one,
    ):
        await one.say("room")
        await one.turn("room")
        async with served.session.delete(f"{served.api}/conversations/room") as answer:
            assert answer.status in {200, 204}
        (error,) = await one.until("error")
        assert (error["code"], error["chat_id"]) == ("not_found", "room")
        await one.send("Hello")
        assert texts(await one.turn(one.ready["chat_id"]), "delta") == "Hi."


async def test_more_chats_than_a_socket_may_follow_are_refused_softly() -> None:
    channel = WebSocketSettings(max_chats=2)
    async with hosting(ScriptedModel(), channel=channel) as served, client(served) as one:
        await one.attach("a")
        await one.send({"type": "attach", "chat_id": "b"})
        (error,) = await one.until("error")
        assert error["code"] == "busy"
        await one.send({"type": "detach", "chat_id": "a"})
        await one.attach("b")


@pytest.mark.parametrize(("header", "status"), [("Origin", 403), ("Host", 421)])
async def test_a_foreign_page_or_name_does_not_get_a_socket(header: str, status: int) -> None:
    async with hosting(ScriptedModel()) as served:
        address = f"{served.url}/ws"
        upgrade = {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", header: "http://evil.example"[7 * (header == "Host") :],
        }  # fmt: skip
        async with served.session.get(address, headers=upgrade) as answer:
            assert answer.status == status


async def test_a_disabled_channel_is_not_found() -> None:
    channel = WebSocketSettings(enabled=False)
    async with hosting(ScriptedModel(), channel=channel) as served:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{served.url}/ws".replace("http", "ws", 1))
        async with served.session.get(f"{served.url}/webui/bootstrap") as answer:
            assert (await answer.json())["ws_path"] is None
    assert refused.value.response.status_code == 404


async def test_the_bootstrap_has_the_sockets_address_and_the_servers_features() -> None:
    async with (
        hosting(ScriptedModel()) as served,
        served.session.get(f"{served.url}/webui/bootstrap") as answer,
    ):
        found = await answer.json()
    assert (found["ws_path"], found["model"], found["demo"], found["version"]) == (
        "/ws", "scripted/model", False, "9.9.9",
    )  # fmt: skip
    assert found["features"]["websocket"] is True
    assert found["limits"]["max_text_chars"] > 0


@pytest.mark.parametrize(
    ("wrong", "valid"),
    [
        (
            '{"type": "message", "chat_id": "room", "content": "x", "on_disconnect": "dance"}',
            ["continue", "stop"],
        ),
        (
            '{"type": "dance"}',
            [
                "new_chat",
                "answer",
                "attach",
                "decide",
                "detach",
                "earlier",
                "message",
                "stop",
                "ping",
            ],
        ),
    ],
)
async def test_an_invalid_enum_value_is_reported_with_the_valid_ones(
    wrong: str, valid: list[str]
) -> None:
    async with hosting(ScriptedModel()) as served, client(served) as one:
        await one.send(wrong)
        error = (await one.until("error"))[-1]
    assert sorted(error["valid"]) == sorted(valid)
