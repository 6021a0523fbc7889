"""Connecting to WeCom, and what happens when it fails."""

import asyncio
import logging
from typing import Any

import pytest

from tests.channels.wecom.fake.server import SECRET
from tests.channels.wecom.harness import (
    ADA,
    RecordingInbox,
    answer,
    make_platform,
    open_harness,
    served,
)
from thinkaloud.channels.platform.errors import Misconfigured, RetryLater, Transient
from thinkaloud.channels.wecom.failures import Refusal, login_failure, sending_failure


@pytest.mark.parametrize("code", [1000, 1001, 1011])
async def test_after_any_close_the_connection_is_made_again(code: int) -> None:
    async with open_harness() as harness:
        harness.clock.pass_seconds(60)
        await harness.server.close(code)
        await harness.reconnected()
        assert (await harness.asked("Hello again")).text == "Hello again"
        assert harness.server.logins == 2


async def test_a_connection_that_breaks_is_made_again() -> None:
    async with open_harness() as harness:
        await harness.loses_connection()
        assert (await harness.asked()).text == "Why?"


async def test_while_there_is_no_connection_messages_are_tried_again_later() -> None:
    async with served() as (server, clock):
        platform = make_platform(server.url, clock)
        with pytest.raises(Transient):
            await platform.say(ADA, "Hello")


async def test_a_connection_that_ends_at_once_is_left_to_the_layer() -> None:
    async with served() as (server, clock):
        platform = make_platform(server.url, clock)
        running = asyncio.ensure_future(platform.run(RecordingInbox(), lambda: None))
        await server.connected.wait()
        await server.close(1000)
        with pytest.raises(Transient, match="closed"):
            await running


async def test_a_second_process_takes_the_connection_over_and_the_first_says_so() -> None:
    async with served() as (server, clock):
        platform = make_platform(server.url, clock)
        running = asyncio.ensure_future(platform.run(RecordingInbox(), lambda: None))
        await server.connected.wait()
        clock.pass_seconds(60)
        assert [check.ok for check in await make_platform(server.url, clock).check()] == [
            True,
            True,
        ]
        with pytest.raises(Transient, match="Another process"):
            await running


async def test_a_wrong_secret_is_reported_without_the_secret() -> None:
    async with served() as (server, clock):
        platform = make_platform(server.url, clock, {"WECOM_BOT_SECRET": "canary-wrong"})
        with pytest.raises(Misconfigured, match="bot-aloud") as caught:
            await platform.run(RecordingInbox(), lambda: None)
        assert "canary" not in caught.value.message
        [check] = await platform.check()
        assert (check.name, check.ok) == ("token", False)


async def test_a_server_that_is_away_is_reported() -> None:
    async with served() as (server, clock):
        url = server.url
    platform = make_platform(url, clock)
    with pytest.raises(Transient):
        await platform.run(RecordingInbox(), lambda: None)
    [check] = await platform.check()
    assert (check.name, check.ok) == ("connection", False)


@pytest.mark.parametrize(
    ("environment", "settings", "expected"),
    [
        ({}, {}, "WECOM_BOT_SECRET"),
        ({"WECOM_BOT_SECRET": " "}, {}, "WECOM_BOT_SECRET"),
        ({"OTHER": SECRET}, {"secret_env": "WRONG"}, "WRONG"),
        ({"WECOM_BOT_SECRET": SECRET}, {"bot_id": ""}, "bot_id"),
        ({"WECOM_BOT_SECRET": SECRET}, {"ws_url": "ws://127.0.0.1:1"}, "wss://"),
        ({"WECOM_BOT_SECRET": SECRET}, {"ca_file": "/missing.pem"}, "ca_file"),
    ],
)
async def test_a_missing_or_wrong_setting_is_named(
    environment: dict[str, str], settings: dict[str, Any], expected: str
) -> None:
    async with served() as (server, clock):
        with pytest.raises(Misconfigured, match=expected):
            make_platform(server.url, clock, environment, **settings)


async def test_neither_the_secret_nor_messages_are_logged_or_printed(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, logger="thinkaloud")
    async with open_harness() as harness:
        await harness.asked("canary-question")
        await harness.finish(answer("canary-answer"))
        await harness.loses_connection()
        shown = repr(vars(harness.platform)) + str(harness.platform)
    output = capfd.readouterr()
    for text in (caplog.text, output.out, output.err, shown):
        assert "canary" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Reply ack error: errcode=846607, errmsg=too often", RetryLater),
        ("Reply ack error: errcode=45009, errmsg=too often", RetryLater),
        ("Reply ack error: errcode=-1, errmsg=system busy", Transient),
        ("Reply ack error: errcode=846609, errmsg=aibot websocket not subscribed", Transient),
        ("Reply ack error: errcode=40058, errmsg=invalid", Refusal),
        ("WebSocket not connected, unable to send data", Transient),
        ("Reply ack timeout (5.0s) for reqId: 1", Transient),
    ],
)
def test_errors_of_the_sdk_become_those_of_the_layer(text: str, expected: type[Exception]) -> None:
    assert type(sending_failure(RuntimeError(text))) is expected


def test_a_login_that_is_refused_for_now_is_tried_again() -> None:
    error = Exception("Authentication failed: system busy (code: -1)")
    assert type(login_failure(error, "bot")) is Transient
