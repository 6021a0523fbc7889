"""Connecting to Discord, and what the operator sees when it doesn't work."""

import asyncio
import logging
import threading

import pytest
from discord.gateway import KeepAliveHandler

from tests.channels.discord.fake.server import TOKEN
from tests.channels.discord.staging import ADA, answer, receiving, staged
from thinkaloud.channels.platform.errors import Misconfigured, Transient


async def test_a_missing_token_names_the_variable() -> None:
    async with staged() as stage:
        with pytest.raises(Misconfigured, match="DISCORD_BOT_TOKEN is not set"):
            stage.new_platform(token=" ")


async def test_a_wrong_token_is_for_the_operator_to_fix() -> None:
    async with staged() as stage:
        platform = stage.new_platform(token="wrong")
        with pytest.raises(Misconfigured, match="DISCORD_BOT_TOKEN is not accepted"):
            await platform.run(stage.inbox, lambda: None)
        [check] = await platform.check()
        assert (check.name, check.ok) == ("token", False)


async def test_a_token_that_only_the_gateway_refuses_is_for_the_operator_too() -> None:
    async with staged() as stage:
        stage.server.gateway.token = "another"
        stage.clock.held = True
        with pytest.raises(Misconfigured, match="4004"):
            await stage.platform.run(stage.inbox, lambda: None)


async def test_without_the_intent_in_the_portal_the_operator_reads_where_it_is() -> None:
    async with staged() as stage:
        platform = stage.new_platform(mention_only=False)
        stage.clock.held = True
        with pytest.raises(Misconfigured, match="Message Content Intent"):
            await platform.run(stage.inbox, lambda: None)
        checks = {check.name: check for check in await platform.check()}
        assert not checks["intents"].ok
        stage.server.gateway.content_intent = True
        checks = {check.name: check for check in await platform.check()}
        assert checks["intents"].ok


async def test_a_gateway_that_is_down_is_reported_and_not_waited_for() -> None:
    async with staged() as stage:
        platform = stage.new_platform(gateway_url="ws://127.0.0.1:9/")
        with pytest.raises(Transient, match="gateway cannot be reached"):
            await platform.run(stage.inbox, lambda: None)


async def test_a_connection_that_stays_lost_is_reported() -> None:
    async with staged() as stage:
        ready = asyncio.Event()
        stage.clock.held = True
        running = asyncio.create_task(stage.platform.run(stage.inbox, ready.set))
        await ready.wait()
        stage.clock.held = False
        stage.server.gateway.refuses = True
        await stage.server.gateway.drop()
        with pytest.raises(Transient, match="gateway cannot be reached"):
            await running


async def test_a_channel_that_closes_while_it_connects_leaves_no_heartbeat_behind() -> None:
    async with staged() as stage:
        async with receiving(stage):
            pass
        gateway = stage.server.gateway
        stage.clock.held = True
        platform = stage.new_platform()
        running = asyncio.create_task(platform.run(stage.inbox, lambda: None))
        # The gateway refuses a second session so soon, and the library waits before its next try.
        async with gateway.heartbeats:
            await gateway.heartbeats.wait_for(lambda: gateway.connections == 3)
        beating = [each for each in threading.enumerate() if isinstance(each, KeepAliveHandler)]
        running.cancel()
        await asyncio.wait([running])
        for thread in beating:
            await asyncio.to_thread(thread.join, 5)
        assert [thread.is_alive() for thread in beating] == [False]


async def test_no_connection_is_made_when_none_is_left_for_the_day() -> None:
    async with staged() as stage:
        stage.server.sessions_left = 0
        with pytest.raises(Transient, match="no new connection"):
            await stage.platform.run(stage.inbox, lambda: None)
        assert stage.server.gateway.connections == 0
        assert [check.ok for check in await stage.platform.check()] == [True, False]


async def test_the_gateway_is_the_one_that_the_api_names_or_the_settings() -> None:
    async with staged() as stage:
        async with receiving(stage):
            assert stage.server.gateway.connections == 1
        url = stage.server.gateway.resume_url
        stage.server.gateway.resume_url = "ws://127.0.0.1:9/"
        stage.clock.pass_seconds(6)
        stage.platform = stage.new_platform(gateway_url=url)
        async with receiving(stage):
            await stage.server.gateway.drop()
            await stage.people.says(ADA, "Hi")
            await stage.inbox.until(messages=1)
        assert stage.server.gateway.connections == 3


async def test_the_commands_are_registered_once() -> None:
    async with staged() as stage:
        for _ in range(2):
            async with receiving(stage):
                pass
            stage.clock.pass_seconds(6)
            stage.platform = stage.new_platform()
        assert stage.server.registrations == 1
        names = [each["name"] for each in stage.server.commands]
        assert names == ["new", "stop", "thinking", "model", "effort", "why", "help"]
        choices = stage.server.commands[2]["options"][0]["choices"]
        assert [each["value"] for each in choices] == ["off", "live", "folded", "on_request"]


async def test_the_check_names_the_bot_and_the_link_that_invites_it() -> None:
    async with staged() as stage:
        checks = await stage.platform.check()
        assert [(check.name, check.ok) for check in checks] == [("token", True), ("gateway", True)]
        assert "scope=bot+applications.commands&permissions=274877975552" in checks[0].detail
        assert "1000 connections left today" in checks[1].detail


async def test_the_token_is_in_no_log_no_repr_and_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with staged() as stage:
        async with receiving(stage):
            await stage.people.uses(ADA, "help")
            await stage.inbox.until(messages=1)
            await stage.finish(answer("Blue."))
            stage.server.goes_down()
        interaction = stage.inbox.messages[0].token.partition("/")[2]
        origin = stage.inbox.messages[0].origin
        errors: list[str] = []
        for call in (
            stage.platform.say(stage.chat, "Help", origin=origin),
            stage.platform.say(stage.chat, "Help"),
            stage.platform.run(stage.inbox, lambda: None),
        ):
            with pytest.raises(Transient) as caught:
                await call
            errors.append(repr(caught.value))
        seen = caplog.text + repr(stage.platform) + repr(vars(stage.platform)["_api"])
        assert TOKEN not in seen + str(errors)
        assert interaction not in str(errors)
