"""Socket clients that were written for another server with this protocol."""

import asyncio
from typing import Any

import pytest

from tests.channels.bridging import connected
from tests.channels.sockets import client, events, hosting, texts
from thinkaloud.providers.scripted import Wait
from thinkaloud.testing import ModelFailed, ScriptedModel, Silence, say, think


async def test_my_message_reaches_other_tabs_as_mine_and_never_as_an_answer() -> None:
    async with (
        hosting(ScriptedModel([say("Hi.")])) as served,
        client(served) as one,
        client(served) as two,
    ):
        await one.attach("room")
        await two.attach("room")
        await one.say("room", "Hello", turn_id="turn-7")
        mine, theirs = await one.turn("room"), await two.turn("room")
    assert "message" not in events(mine) + events(theirs)
    assert "user_message" not in events(mine)
    (message,) = [frame for frame in theirs if frame["event"] == "user_message"]
    (accepted,) = [frame for frame in mine if frame["event"] == "message_accepted"]
    assert (message["text"], message["starts_turn"]) == ("Hello", True)
    ids = [frame["turn_id"] for frame in (message, accepted, mine[-1], theirs[-1])]
    assert ids == ["turn-7"] * 4
    assert texts(theirs, "delta") == "Hi."


@pytest.mark.parametrize("after_reload", ["replay", "new socket in the chat"])
async def test_after_a_reload_my_messages_are_mine(after_reload: str) -> None:
    async with hosting(ScriptedModel([say("Hi.")])) as served, client(served) as one:
        await one.say("room", "Hello", client_message_id="m-1")
        await one.turn("room")
        if after_reload == "replay":
            await one.attach("room", after=0)
            frames = await one.turn("room")
        else:
            async with client(served) as two:
                await two.attach("room", after=0)
                frames = await two.turn("room")
    assert frames[0]["event"] == "user_message"
    assert (frames[0]["text"], frames[0]["client_message_id"]) == ("Hello", "m-1")


@pytest.mark.parametrize(
    "command", ["/stop", "/STOP", "  /Stop \n", {"content": "/stop"}, {"type": "message"}]
)
async def test_stop_sent_as_a_message_stops_the_run_and_is_not_answered(command: Any) -> None:
    model = ScriptedModel([think("Hm"), Silence()], [say("Next.")])
    async with hosting(model) as served, client(served) as one:
        own = one.ready["chat_id"]
        await one.send("Hello")
        await one.until("reasoning_delta")
        if isinstance(command, dict) and "type" in command:
            command = {**command, "chat_id": own, "content": "/stop", "turn_id": "t-2"}
        await one.send(command)
        assert (await one.until("turn_end"))[-1]["status"] == "stopped"
        (accepted,) = await one.until("message_accepted")
        assert (accepted["starts_turn"], accepted["run_id"]) == (False, None)
        await one.send("Go on")
        frames = await one.turn(own)
    assert texts(frames, "delta") == "Next."
    assert [each["text"] for each in frames if each["event"] == "message_accepted"] == ["Go on"]


async def test_stop_without_an_active_run_is_accepted_and_calls_no_model() -> None:
    model = ScriptedModel([say("Hi.")])
    async with hosting(model) as served, client(served) as one:
        await one.send("/stop")
        (frame,) = await one.until("message_accepted")
        await one.send("hello /stop")
        await one.turn(one.ready["chat_id"])
    assert frame["starts_turn"] is False
    assert len(model.requests) == 1


async def test_stop_in_a_chat_of_a_platform_stops_the_run() -> None:
    model = ScriptedModel([think("Hm"), Silence()], [say("Next.")])
    async with connected(model) as it:
        await it.say("Hello")
        await it.say(" /STOP")
        await it.say("Go on")
        await it.runs.active.wait_for_all(10)
        view = (await it.runs.hub.fold("local", "rec:c")).view()
    assert [run.status for run in view.runs] == ["stopped", "completed"]


async def test_a_run_that_fails_is_reported_as_an_error_before_its_end() -> None:
    model = ScriptedModel([say("Half"), ModelFailed("provider_overloaded", "Too busy.")])
    async with hosting(model) as served, client(served) as one, client(served) as two:
        await two.attach("room")
        await one.say("room", turn_id="t-1")
        both = [await each.turn("room") for each in (one, two)]
    for frames in both:
        error, end = frames[-2:]
        assert (error["event"], end["event"]) == ("error", "turn_end")
        assert error["detail"] == end["error"]["message"]
        assert (error["code"], error["turn_id"]) == ("provider_overloaded", "t-1")
        assert error["run_id"] == end["run_id"]
        assert events(frames).count("error") == 1


async def test_a_replay_of_a_failed_run_reports_the_failure() -> None:
    model = ScriptedModel([ModelFailed("provider_auth", "No such key.")])
    async with hosting(model) as served, client(served) as one, client(served) as two:
        await one.say("room")
        await one.turn("room")
        await two.attach("room", after=0)
        assert events(await two.turn("room"))[-2:] == ["error", "turn_end"]


async def test_a_stopped_run_is_not_an_error() -> None:
    gate = asyncio.Event()
    async with hosting(ScriptedModel([think("Hm"), Wait(gate)])) as served, client(served) as one:
        await one.say("room")
        await one.until("reasoning_delta")
        await one.send({"type": "stop", "chat_id": "room"})
        assert "error" not in events(await one.turn("room"))


async def test_a_refused_message_names_the_turn_that_it_was_sent_as() -> None:
    async with hosting(ScriptedModel([say("Hi.")])) as served, client(served) as one:
        await one.say("room", "", turn_id="t-9")
        error = (await one.until("error"))[-1]
    assert (error["turn_id"], error["chat_id"]) == ("t-9", "room")
    assert "run_id" not in error


async def test_the_bootstrap_has_the_limits_where_other_clients_read_them() -> None:
    settings = {"max_body_bytes": 1_000_000, "max_text_chars": 2_000}
    async with (
        hosting(ScriptedModel([say("Hi.")]), **settings) as served,
        served.session.get(f"{served.url}/webui/bootstrap") as answer,
    ):
        body = await answer.json()
    limits = body["limits"]
    assert limits["transport"] == {"max_frame_bytes": 1_000_000, "envelope_reserve_bytes": 65_536}
    assert limits["message"] == {"max_text_bytes": 2_000}
    assert limits["attachments"] == {"max_count": 0, "max_file_bytes": 0, "max_total_bytes": 0}
    assert body["model_name"] == body["model"] != ""
