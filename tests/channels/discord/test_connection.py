"""Connecting to Discord, and what the operator sees when it doesn't work."""

import asyncio
import logging
import threading

import pytest
from discord.gateway import KeepAliveHandler

from tests.channels.discord.fake.server import TOKEN
from tests.channels.discord.harness import ADA, answer, open_harness, receiving
from thinkaloud.channels.platform.errors import Misconfigured, Transient


async def test_a_missing_token_names_the_variable() -> None:
    async with open_harness() as harness:
        with pytest.raises(Misconfigured, match="DISCORD_BOT_TOKEN is not set"):
            harness.new_platform(token=" ")


async def test_a_wrong_token_is_for_the_operator_to_fix() -> None:
    async with open_harness() as harness:
        platform = harness.new_platform(token="wrong")
        with pytest.raises(Misconfigured, match="DISCORD_BOT_TOKEN is not accepted"):
            await platform.run(harness.inbox, lambda: None)
        [check] = await platform.check()
        assert (check.name, check.ok) == ("token", False)


async def test_a_token_that_only_the_gateway_refuses_is_for_the_operator_too() -> None:
    async with open_harness() as harness:
        harness.server.gateway.token = "another"
        harness.clock.held = True
        with pytest.raises(Misconfigured, match="4004"):
            await harness.platform.run(harness.inbox, lambda: None)


async def test_without_the_intent_in_the_portal_the_operator_reads_where_it_is() -> None:
    async with open_harness() as harness:
        platform = harness.new_platform(mention_only=False)
        harness.clock.held = True
        with pytest.raises(Misconfigured, match="Message Content Intent"):
            await platform.run(harness.inbox, lambda: None)
        checks = {check.name: check for check in await platform.check()}
        assert not checks["intents"].ok
        harness.server.gateway.content_intent = True
        checks = {check.name: check for check in await platform.check()}
        assert checks["intents"].ok


async def test_a_gateway_that_is_down_is_reported_and_not_waited_for() -> None:
    async with open_harness() as harness:
        platform = harness.new_platform(gateway_url="ws://127.0.0.1:9/")
        with pytest.raises(Transient, match="gateway cannot be reached"):
            await platform.run(harness.inbox, lambda: None)


async def test_a_connection_that_stays_lost_is_reported() -> None:
    async with open_harness() as harness:
        ready = asyncio.Event()
        harness.clock.held = True
        running = asyncio.create_task(harness.platform.run(harness.inbox, ready.set))
        await ready.wait()
        harness.clock.held = False
        harness.server.gateway.refuses = True
        await harness.server.gateway.drop()
        with pytest.raises(Transient, match="gateway cannot be reached"):
            await running


async def test_a_channel_that_closes_while_it_connects_leaves_no_heartbeat_behind() -> None:
    async with open_harness() as harness:
        async with receiving(harness):
            pass
        gateway = harness.server.gateway
        harness.clock.held = True
        platform = harness.new_platform()
        running = asyncio.create_task(platform.run(harness.inbox, lambda: None))
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
    async with open_harness() as harness:
        harness.server.sessions_left = 0
        with pytest.raises(Transient, match="no new connection"):
            await harness.platform.run(harness.inbox, lambda: None)
        assert harness.server.gateway.connections == 0
        assert [check.ok for check in await harness.platform.check()] == [True, False]


async def test_the_gateway_is_the_one_that_the_api_names_or_the_settings() -> None:
    async with open_harness() as harness:
        async with receiving(harness):
            assert harness.server.gateway.connections == 1
        url = harness.server.gateway.resume_url
        harness.server.gateway.resume_url = "ws://127.0.0.1:9/"
        harness.clock.pass_seconds(6)
        harness.platform = harness.new_platform(gateway_url=url)
        async with receiving(harness):
            await harness.server.gateway.drop()
            await harness.people.says(ADA, "Hi")
            await harness.inbox.until(messages=1)
        assert harness.server.gateway.connections == 3


async def test_the_commands_are_registered_once() -> None:
    async with open_harness() as harness:
        for _ in range(2):
            async with receiving(harness):
                pass
            harness.clock.pass_seconds(6)
            harness.platform = harness.new_platform()
        assert harness.server.registrations == 1
        names = [each["name"] for each in harness.server.commands]
        assert names == ["new", "stop", "thinking", "model", "effort", "why", "help"]
        choices = harness.server.commands[2]["options"][0]["choices"]
        assert [each["value"] for each in choices] == ["off", "live", "folded", "on_request"]


async def test_the_check_names_the_bot_and_the_link_that_invites_it() -> None:
    async with open_harness() as harness:
        checks = await harness.platform.check()
        assert [(check.name, check.ok) for check in checks] == [("token", True), ("gateway", True)]
        assert "scope=bot+applications.commands&permissions=274877975552" in checks[0].detail
        assert "1000 connections left today" in checks[1].detail


async def test_the_token_is_in_no_log_no_repr_and_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_harness() as harness:
        async with receiving(harness):
            await harness.people.uses(ADA, "help")
            await harness.inbox.until(messages=1)
            await harness.finish(answer("Blue."))
            harness.server.goes_down()
        interaction = harness.inbox.messages[0].token.partition("/")[2]
        origin = harness.inbox.messages[0].origin
        errors: list[str] = []
        for call in (
            harness.platform.say(harness.chat, "Help", origin=origin),
            harness.platform.say(harness.chat, "Help"),
            harness.platform.run(harness.inbox, lambda: None),
        ):
            with pytest.raises(Transient) as caught:
                await call
            errors.append(repr(caught.value))
        seen = caplog.text + repr(harness.platform) + repr(vars(harness.platform)["_api"])
        assert TOKEN not in seen + str(errors)
        assert interaction not in str(errors)
