"""`/ws`: reconnecting clients get what they missed, and slow clients are disconnected; nothing is lost."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError

from tests.channels.sockets import Client, check_run, client, ended, hosting, texts
from tests.server.serving import Json, Served
from thinkaloud.providers.scripted import Script, Wait
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.testing import (
    ScriptedModel,
    Silence,
    say,
    think,
)


async def ask(page: Client, times: int) -> None:
    """Ask so often, and wait for each answer."""
    for n in range(times):
        await page.say("room", f"Q{n}")
        await page.turn("room")


@pytest.mark.promise("P9")
async def test_every_cursor_gets_later_events_once_and_in_order() -> None:
    gate = asyncio.Event()
    script: Script = [think("a", "b", "c"), say("d", "e"), think("f", "g"), Wait(gate), think("h")]
    async with hosting(ScriptedModel(script)) as served:
        async with client(served) as first:
            await first.say("room", model=None)
            await first.until("reasoning_delta", lambda frame: frame["text"].endswith("g"))
            gate.set()
            await first.turn("room")
        whole = await replay(served, "room", 0)
        check_run(whole)
        spoken = spans(whole)
        for after in range(len(spoken)):
            assert spans(await replay(served, "room", after)) == spoken[after:]


async def test_a_snapshot_has_no_more_than_the_last_runs_that_were_asked_for() -> None:
    scripts = [[think(f"T{n}"), say(f"A{n}")] for n in range(3)]
    async with hosting(ScriptedModel(*scripts)) as served:
        async with client(served) as one:
            await ask(one, 3)
        found: list[tuple[list[str], bool]] = []
        for members in ({}, {"last": 3}, {"last": 2}, {"last": 1}):
            async with client(served) as one:
                await one.attach("room", **members)
                shown = (await one.until("snapshot"))[-1]
                runs = [run["input"]["text"] for run in shown["conversation"]["runs"]]
                found.append((runs, shown["earlier"]))
                await one.send({"type": "ping"})
                assert [frame["event"] for frame in await one.until("pong")] == ["pong"]
    everything = ["Q0", "Q1", "Q2"]
    assert found == [
        (everything, False),
        (everything, False),
        (everything[1:], True),
        (everything[2:], True),
    ]


async def test_earlier_runs_than_a_snapshot_can_be_requested() -> None:
    scripts = [[think(f"T{n}"), say(f"A{n}")] for n in range(4)]
    async with hosting(ScriptedModel(*scripts)) as served:
        async with client(served) as one:
            await ask(one, 4)
            await one.attach("room")
            everything = (await one.until("snapshot"))[-1]["conversation"]["runs"]
        async with client(served) as one:
            await one.attach("room", last=1)
            runs = (await one.until("snapshot"))[-1]["conversation"]["runs"]
            has_earlier: list[bool] = []
            while len(runs) < len(everything):
                before = runs[0]["run_id"]
                await one.send({"type": "earlier", "chat_id": "room", "before": before, "limit": 2})
                page = (await one.until("earlier"))[-1]
                assert (page["chat_id"], page["before"]) == ("room", before)
                runs = page["runs"] + runs
                has_earlier.append(page["earlier"])
        async with client(served) as one:
            await one.attach("room", include_reasoning=False)
            asked = {"type": "earlier", "chat_id": "room", "before": everything[1]["run_id"]}
            await one.send(asked)
            plain = (await one.until("earlier"))[-1]
            assert "T0" not in "".join(one.raw)
    assert runs == everything
    assert has_earlier == [True, False]
    assert [block["type"] for block in plain["runs"][0]["blocks"]] == ["answer"]


async def test_a_request_for_earlier_runs_needs_its_run_and_chat() -> None:
    async with hosting(ScriptedModel([say("A")])) as served, client(served) as one:
        await one.say("room")
        await one.turn("room")
        refused: list[tuple[str, str | None]] = []
        for chat_id in ("room", one.ready["chat_id"], "elsewhere"):
            await one.send({"type": "earlier", "chat_id": chat_id, "before": "run_x"})
            error = (await one.until("error"))[-1]
            refused.append((error["code"], error.get("field")))
    wrong = ("invalid_request", "before")
    assert refused == [wrong, wrong, ("not_found", None)]


async def replay(served: Served, chat_id: str, after: int) -> list[Json]:
    async with client(served) as one:
        await one.attach(chat_id, after=after)
        return await one.turn(chat_id)


def spans(frames: list[Json]) -> list[str]:
    """What each character and each other frame is, so that merged and single deltas compare."""
    found: list[str] = []
    for frame in frames:
        if "stream_id" in frame and "text" in frame:
            found.extend(f"{frame['stream_id']} {character}" for character in frame["text"])
        else:
            found.append(f"{frame['event']} {frame['seq']}")
    return found


@pytest.mark.promise("P9", "P4", "P6")
async def test_fifty_reconnections_in_mid_run_lose_and_repeat_no_byte() -> None:
    gates = [asyncio.Event() for _ in range(50)]
    steps: list[Any] = []
    for n, gate in enumerate(gates):
        kind = think if n < 25 else say
        steps.extend([kind(*(f"{n}.{k} é\U0001f600 " for k in range(20))), Wait(gate)])
    async with hosting(ScriptedModel(steps)) as served:
        async with client(served) as one:
            await one.say("room")
            found = (await one.until("progress"))[1:]
        for n, gate in enumerate(gates):
            last = f"{n}.19 é\U0001f600 "
            async with client(served) as one:
                await one.attach("room", after=found[-1]["seq"])
                found += await one.until(
                    "reasoning_delta" if n < 25 else "delta",
                    lambda frame, last=last: frame["text"].endswith(last),
                )
                gate.set()
                one.connection.transport.abort()
        async with client(served) as one:
            await one.attach("room", after=found[-1]["seq"])
            found += await one.turn("room")
        (reply,) = await ended(served, "room")
    check_run(found)
    assert texts(found, "reasoning_delta") == reply["reasoning"]
    assert texts(found, "delta") == reply["text"]
    assert reply["reasoning"].count("\U0001f600") == reply["text"].count("\U0001f600") == 500


@pytest.mark.promise("P8", "P9")
async def test_without_a_cursor_a_snapshot_is_sent_and_the_rest_follows() -> None:
    gate = asyncio.Event()
    model = ScriptedModel(
        [say("Before.")], [think("So ", "far"), Wait(gate), think("."), say("End")]
    )
    async with hosting(model) as served, client(served) as one, client(served) as two:
        await one.say("room")
        await one.turn("room")
        await one.say("room")
        await one.until("reasoning_delta", lambda frame: frame["text"].endswith("far"))
        attached = await two.attach("room")
        (snapshot,) = await two.until("snapshot")
        gate.set()
        rest = await two.turn("room")
    earlier, running = snapshot["conversation"]["runs"]
    assert snapshot["seq"] == attached["seq"] == snapshot["conversation"]["seq"]
    assert attached["running"] == [running["run_id"]]
    assert (earlier["status"], running["status"]) == ("completed", "running")
    (block,) = running["blocks"]
    assert (block["parts"], block["status"]) == (["So far"], "open")
    assert rest[0]["seq"] == snapshot["seq"] + 1
    assert (rest[0]["text"], rest[0]["stream_id"]) == (".", block["segment_id"])
    assert texts(rest, "delta") == "End"


@pytest.mark.promise("P9")
async def test_after_a_restart_a_cursor_inside_coalesced_events_gets_a_snapshot_and_the_rest() -> (
    None
):
    store = MemoryStore()
    async with (
        hosting(ScriptedModel([think("a", "b", "c"), say("d")]), store=store) as served,
        client(served) as one,
    ):
        await one.say("room")
        frames = await one.turn("room")
    inside = [frame["seq"] for frame in frames if frame["event"] == "reasoning_delta"][-1] - 1
    async with (
        hosting(ScriptedModel([say("Next.")]), store=store) as served,
        client(served) as one,
    ):
        attached = await one.attach("room", after=inside)
        (snapshot,) = await one.until("snapshot")
        rest = await one.turn("room")
        await one.say("room")
        following = await one.turn("room")
    (run,) = snapshot["conversation"]["runs"]
    assert [(block["parts"], block["status"]) for block in run["blocks"]] == [(["ab"], "open")]
    assert (attached["seq"], snapshot["seq"]) == (frames[-1]["seq"], inside)
    # A page that knows no snapshot has the rest as well.
    assert (texts(rest, "reasoning_delta"), texts(rest, "delta")) == ("c", "d")
    assert rest[-1] == frames[-1]
    assert texts(following, "delta") == "Next."


async def test_reserved_numbers_are_not_awaited() -> None:
    store = MemoryStore()
    async with (
        hosting(ScriptedModel([say("Hi.")]), store=store) as served,
        client(served) as one,
    ):
        await one.say("room")
        last = (await one.turn("room"))[-1]["seq"]
    await store.reserve("local", "room", last + 100)
    async with hosting(ScriptedModel(), store=store) as served, client(served) as one:
        assert (await one.attach("room", after=last))["seq"] == last


async def test_an_unissued_cursor_is_a_soft_error() -> None:
    async with hosting(ScriptedModel([say("Hi.")], [say("Hi.")])) as served, client(served) as one:
        await one.say("room")
        await one.turn("room")
        await one.send({"type": "attach", "chat_id": "room", "after": 10_000})
        (error,) = await one.until("error")
        assert (error["code"], error["field"], error["chat_id"]) == (
            "invalid_request", "after", "room",
        )  # fmt: skip
        await one.send({"type": "attach", "chat_id": "nothing-here", "after": 3})
        (error,) = await one.until("error")
        assert error["code"] == "not_found"
        await one.say("room")
        assert texts(await one.turn("room"), "delta") == "Hi."


@pytest.mark.promise("P9")
async def test_a_run_continues_when_every_socket_is_closed() -> None:
    gate = asyncio.Event()
    async with hosting(ScriptedModel([think("Hm"), Wait(gate), say("Done.")])) as served:
        async with client(served) as one:
            await one.say("room")
            frames = await one.until("reasoning_delta")
        gate.set()
        await served.runs.active.wait(frames[-1]["run_id"])
        async with client(served) as one:
            await one.attach("room", after=frames[-1]["seq"])
            rest = await one.turn("room")
    assert texts(rest, "delta") == "Done."


@pytest.mark.promise("P2", "P3", "P9")
async def test_on_shutdown_every_chat_gets_the_end_of_its_run_and_a_close_reason() -> None:
    async with (
        hosting(ScriptedModel([think("Hm"), Silence()], [think("Hm"), Silence()])) as served,
        client(served) as one,
        client(served) as two,
    ):
        for room in ("a", "b"):
            await one.say(room)
            await one.until("reasoning_delta")
        await two.attach("a", after=0)
        await two.until("reasoning_delta")
        served.server.stop()
        found = await one.until("turn_end") + await one.until("turn_end")
        theirs = await two.until("turn_end")
        for each in (one, two):
            with pytest.raises(ConnectionClosedError) as closed:
                await each.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
    for room in ("a", "b"):
        ends = [f["event"] for f in found if f["chat_id"] == room]
        assert ends == ["reasoning_end", "error", "turn_end"]
    assert theirs[-1]["error"]["code"] == "interrupted"


@pytest.mark.promise("P14")
async def test_a_reader_that_stops_reading_is_dropped_and_delays_no_other() -> None:
    piece = "x" * 60_000
    model = ScriptedModel([think(*[piece] * 300), say("Done.")])
    limits = Limits(max_response_chars=300 * 60_000 + 100)
    async with (
        hosting(model, limits=limits, send_timeout_seconds=1.0) as served,
        client(served, max_queue=1, max_size=None) as slow,
    ):
        await slow.attach("room")
        async with client(served) as fast:
            await fast.say("room")
            frames = await fast.turn("room")
        assert len(texts(frames, "reasoning_delta")) == 300 * 60_000
        assert texts(frames, "delta") == "Done."
        await dropped(served)
        with pytest.raises(ConnectionClosedError) as closed:
            await to_the_end(slow)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
    assert "resume" in closed.value.rcvd.reason


async def to_the_end(one: Client) -> None:
    while True:
        await one.connection.recv()


async def dropped(served: Served) -> None:
    """Wait until the server has given up on a reader."""
    while (await served.get("/system-status"))[1]["dropped_readers"] == 0:
        await asyncio.sleep(0)


@pytest.mark.promise("P14")
async def test_a_socket_that_left_a_chat_is_not_disconnected_as_slow() -> None:
    piece = "x" * 60_000
    flood = ScriptedModel([say(*[piece] * 300)], [say("Hi.")])
    async with (
        hosting(flood, send_timeout_seconds=0.1) as served,
        client(served) as one,
        client(served, max_queue=1, max_size=None, close_timeout=0) as stuck,
    ):
        for n in range(20):
            await one.attach(f"room-{n % 2}")
        # Time passes for both alike: by when the one that takes nothing is dropped.
        await stuck.say("flood")
        await dropped(served)
        await one.say("room-0")
        assert texts(await one.turn("room-0"), "delta") == "Hi."
