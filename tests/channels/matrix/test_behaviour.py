"""What people and the operator see of the channel on a real homeserver."""

import asyncio
import logging

import msgspec
import pytest

from tests.channels.matrix.driver import MatrixDriver, matrix_driver, matrix_world
from tests.channels.matrix.homeserver import Homeserver
from tests.channels.matrix.proxy import Fault
from tests.channels.matrix.seen import messages, parted
from tests.channels.platform.driver import DriverSetup, text_of, until
from thinkaloud.channels.matrix.client import MatrixPlatform
from thinkaloud.channels.matrix.settings import MatrixSettings
from thinkaloud.channels.platform.engine.channel import ChannelStorage
from thinkaloud.channels.platform.engine.connection import LatePace
from thinkaloud.channels.platform.errors import Misconfigured
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.ports.clock import SystemClock
from thinkaloud.providers.scripted import Silence, Wait, say, think

EVERYBODY = DriverSetup({"allow_from": ["*"], "allow_groups": ["*"]})


async def test_the_server_shows_the_newest_version_and_highlights_nothing(
    synapse: Homeserver,
) -> None:
    go = asyncio.Event()
    script = [think("Hm @room"), Wait(go), say("@room and ada are mentioned.")]
    async with matrix_driver(synapse, EVERYBODY, script) as driver:
        await driver.person_says("Why?", sender=driver.ada)
        await until(driver, lambda: "Hm" in text_of(driver, driver.ada))
        go.set()
        await until(driver, lambda: "mentioned." in text_of(driver, driver.ada))
        await driver.lab.channel.quiet()
        room_id = driver.rooms[driver.ada]
        found = await driver.admin.as_person(
            driver.ada, "GET", f"/rooms/{room_id}/messages", dir="b"
        )
        first = next(
            event
            for event in found["chunk"]
            if event["sender"] == driver.bot.user_id
            and event["type"] == "m.room.message"
            and "m.relates_to" not in event["content"]
        )
        newest = (first["unsigned"]["m.relations"]["m.replace"])["content"]["m.new_content"]
        assert newest["body"] == "@room and ada are mentioned."
        assert parted(newest["formatted_body"])[1] == "Hm @room"
        synced = await driver.admin.as_person(driver.ada, "GET", "/sync")
        unread = synced["rooms"]["join"][room_id]["unread_notifications"]
        assert unread["highlight_count"] == 0


async def test_only_invitations_of_allowed_people_are_accepted(synapse: Homeserver) -> None:
    async with matrix_world(synapse) as driver:
        await driver.prepare(DriverSetup())
        driver.allow(driver.ada)
        await driver.open([say("Hello Ada.")])
        refused = await driver.admin.room(driver.stranger, driver.bot.user_id)
        room_id = await driver.admin.room(driver.ada, driver.bot.user_id, is_direct=True)
        # Written before the bot has joined, as clients do.
        await driver.admin.send(driver.ada, room_id, {"msgtype": "m.text", "body": "Hi"})
        await until(driver, lambda: "Hello Ada." in text_of(driver, room_id))
        await driver.lab.channel.quiet()
        joins = [call.path for call in driver.proxy.calls if "/join/" in call.path]
        assert any(room_id in path for path in joins)
        assert not any(refused in path for path in joins)
        await driver.close()


async def test_what_was_written_before_the_first_start_is_not_answered(
    synapse: Homeserver,
) -> None:
    async with matrix_world(synapse) as driver:
        await driver.prepare(EVERYBODY)
        await driver.person_says("Long ago", sender=driver.ada)
        await driver.open([say("Now.")])
        await driver.person_says("Today", sender=driver.ada)
        await until(driver, lambda: "Now." in text_of(driver, driver.ada))
        await driver.lab.channel.quiet()
        assert len(driver.lab.model.requests) == 1
        await driver.close()


@pytest.mark.parametrize("lost", ["request", "response"])
async def test_a_lost_connection_neither_loses_nor_doubles_a_message(
    synapse: Homeserver, lost: str
) -> None:
    go = asyncio.Event()
    script = [Wait(go), say("The answer.")]
    async with matrix_driver(synapse, EVERYBODY, script) as driver:
        await driver.person_says("Why?", sender=driver.ada)
        await until(driver, lambda: driver.lab.channel.status.pending == 1)
        # aiohttp repeats a call once by itself, so that one lost connection wouldn't reach our code.
        driver.proxy.faults += [Fault(lost=lost)] * 2  # pyright: ignore[reportArgumentType]
        go.set()
        await until(driver, lambda: "The answer." in text_of(driver, driver.ada))
        await driver.lab.channel.quiet()
        assert [each.text for each in driver.shown(driver.ada)] == ["The answer."]


async def test_an_answer_whose_message_was_deleted_is_sent_again(synapse: Homeserver) -> None:
    go = asyncio.Event()
    script = [think("Hm."), Wait(go), say("The answer.")]
    async with matrix_driver(synapse, EVERYBODY, script) as driver:
        await driver.person_says("Why?", sender=driver.ada)
        await until(driver, lambda: "Hm." in text_of(driver, driver.ada))
        (first,) = messages(driver.proxy.events)
        path = f"/rooms/{first.room_id}/redact/{first.event_id}/1"
        redaction = (await driver.admin.as_person(driver.ada, "PUT", path, {}))["event_id"]
        await until(driver, lambda: redaction in driver.proxy.handled)
        go.set()
        await until(driver, lambda: len(messages(driver.proxy.events)) == 2)
        await driver.lab.channel.quiet()
        assert messages(driver.proxy.events)[1].visible.endswith("The answer.")


async def test_a_reaction_of_a_stranger_stops_nothing(synapse: Homeserver) -> None:
    async with matrix_world(synapse) as driver:
        await driver.prepare(EVERYBODY)
        driver.allow(driver.ada)
        await driver.open_group()
        await driver.open([say("Half"), Silence()])
        await driver.person_says("Go", sender=driver.ada, group=True, mention=True)
        await until(driver, lambda: "Half" in text_of(driver, driver.group))
        shown = messages(driver.proxy.events)[-1]
        assert shown.first["m.relates_to"]["m.in_reply_to"]["event_id"] == driver.last_event
        reaction = await react(driver, driver.stranger, shown.event_id)
        await until(driver, lambda: reaction in driver.proxy.handled)
        assert driver.lab.channel.status.pending == 1
        await react(driver, driver.ada, shown.event_id)
        await until(driver, lambda: "Stopped." in text_of(driver, driver.group))
        await driver.close()


async def react(driver: MatrixDriver, person: str, event_id: str) -> str:
    relation = {"rel_type": "m.annotation", "event_id": event_id, "key": "🛑"}
    return await driver.admin.send(person, driver.group, {"m.relates_to": relation}, "m.reaction")


async def test_a_thread_is_a_conversation_of_its_own(synapse: Homeserver) -> None:
    scripts = [[say("First.")], [say("In the thread.")]]
    async with matrix_driver(synapse, EVERYBODY, *scripts) as driver:
        await driver.person_says("Main", sender=driver.ada)
        await until(driver, lambda: "First." in text_of(driver, driver.ada))
        root = driver.last_event
        relation = {"rel_type": "m.thread", "event_id": root}
        content = {"msgtype": "m.text", "body": "Deeper", "m.relates_to": relation}
        await driver.admin.send(driver.ada, driver.rooms[driver.ada], content)
        await until(driver, lambda: "In the thread." in text_of(driver, driver.ada))
        await driver.lab.channel.quiet()
        shown = messages(driver.proxy.events)[-1]
        assert shown.first["m.relates_to"]["rel_type"] == "m.thread"
        assert shown.first["m.relates_to"]["event_id"] == root
        assert "Main" not in str(driver.lab.model.requests[1])


def made(driver: MatrixDriver, environment: dict[str, str], **fields: object) -> MatrixPlatform:
    settings = MatrixSettings(
        homeserver=driver.proxy.base,
        user_id=driver.bot.user_id,
        password_env="SECRET",
    )
    context = PlatformContext(
        name="matrix",
        environment=environment,
        clock=SystemClock(),
        pace=LatePace(),
        storage=ChannelStorage("matrix", driver.state),
    )
    return MatrixPlatform(msgspec.structs.replace(settings, **fields), context)


async def test_a_password_logs_in_once_and_the_device_is_kept(
    synapse: Homeserver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with matrix_world(synapse) as driver:
        await driver.prepare(EVERYBODY)
        details: set[str] = set()
        for _ in range(2):
            platform = made(driver, {"SECRET": driver.bot.password})
            checks = await platform.check()
            await platform.close()
            assert all(check.ok for check in checks)
            details.add(checks[1].detail)
        assert len(details) == 1
        assert sum(call.path.endswith("/login") for call in driver.proxy.calls) == 1
        assert driver.bot.password not in caplog.text


async def test_what_is_wrong_with_the_credentials_is_explained_without_them(
    synapse: Homeserver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with matrix_world(synapse) as driver:
        await driver.prepare(EVERYBODY)
        with pytest.raises(Misconfigured, match="MATRIX_ACCESS_TOKEN and SECRET"):
            made(driver, {})
        with pytest.raises(Misconfigured, match="https://"):
            made(driver, {"SECRET": "x"}, homeserver="matrix.example.org")
        for environment, fields, words in (
            ({"MATRIX_ACCESS_TOKEN": "canary7f3a91"}, {}, "MATRIX_ACCESS_TOKEN is not accepted"),
            ({"SECRET": "canary7f3a91"}, {}, "SECRET is not accepted"),
            ({"MATRIX_ACCESS_TOKEN": driver.bot.access_token}, {"user_id": "@x:y"}, "@x:y"),
            ({"SECRET": "x"}, {"homeserver": "http://127.0.0.1:1"}, "the connection was refused"),
        ):
            platform = made(driver, environment, **fields)
            (check,) = await platform.check()
            await platform.close()
            assert not check.ok
            assert words in check.detail
            assert "canary7f3a91" not in check.detail + repr(platform) + caplog.text


async def test_a_token_that_is_revoked_while_it_runs_is_reported(synapse: Homeserver) -> None:
    async with matrix_driver(synapse, EVERYBODY) as driver:
        path = "/_matrix/client/v3/logout"
        await driver.admin.call("POST", path, driver.bot.access_token, {})
        await until(driver, lambda: driver.lab.channel.status.condition == "failed")
        assert "MATRIX_ACCESS_TOKEN" in driver.lab.channel.status.detail
