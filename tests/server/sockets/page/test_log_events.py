"""`/ws` with `events: "log"`: the log's own events for clients that ask for them, and frames for the others."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.channels.sockets import Client, client, events, hosting
from tests.server.serving import Json
from thinkaloud.events import codec
from thinkaloud.events.event import LoggedEvent
from thinkaloud.events.fold import Fold
from thinkaloud.providers.scripted import Script, Wait
from thinkaloud.server.wires.page.encode import page_frames
from thinkaloud.testing import ModelFailed, ScriptedModel, call_tool, say, think

SESSIONS = sorted((Path(__file__).parents[3] / "sessions").glob("*.jsonl"))


def logged(frame: Json) -> LoggedEvent:
    return codec.decode(msgspec.json.encode(frame["entry"]))


async def until_end(page: Client) -> list[Json]:
    frames = await page.until("log", lambda frame: frame["entry"]["event"]["type"] == "run.ended")
    return [frame for frame in frames if frame["event"] == "log"]


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_the_fold_of_log_frames_is_the_fold_of_the_log(path: Path) -> None:
    entries = [codec.decode(line) for line in path.read_text(encoding="utf-8").splitlines()]
    whole, sent = Fold("c"), Fold("c")
    for entry in entries:
        frame = page_frames(reasoning=True, as_log=True).frame(entry)
        assert frame is not None
        whole.apply(entry)
        sent.apply(logged(msgspec.json.decode(frame)))
    assert sent.view() == whole.view()


@pytest.mark.promise("P9")
async def test_log_frames_resume_after_every_event() -> None:
    script = [[think("a", "b"), call_tool("no_such_tool", {}, "c1")], [say("d", "e")]]
    async with hosting(ScriptedModel(*script)) as served:
        async with client(served) as page:
            await page.attach("room", events="log")
            await page.say("room", client_message_id="m1")
            whole = await until_end(page)
        assert [frame.get("client_message_id") for frame in (whole[0], whole[-1])] == ["m1", "m1"]
        expected = spans(whole)
        assert len(expected) == whole[-1]["entry"]["seq"]
        for after in range(len(expected)):
            async with client(served) as page:
                await page.attach("room", events="log", after=after)
                assert spans(await until_end(page)) == expected[after:]


def spans(frames: list[Json]) -> list[str]:
    """Return one item per event; merged deltas have one character per event."""
    found: list[str] = []
    for frame in frames:
        entry = frame["entry"]
        kind = entry["event"]["type"]
        found.extend(entry["event"]["text"] if "delta" in kind else [f"{entry['seq']} {kind}"])
    return found


async def test_the_usual_frames_are_sent_to_sockets_that_do_not_ask_for_the_log() -> None:
    gate = asyncio.Event()
    script: Script = [Wait(gate), think("Hm."), say("Hi.")]
    async with (
        hosting(ScriptedModel(script)) as served,
        client(served) as page,
        client(served) as other,
    ):
        await page.attach("room", events="log")
        await other.attach("room")
        await page.say("room")
        gate.set()
        assert set(events(await until_end(page))) == {"log"}
        frames = await other.turn("room")
        assert {"user_message", "reasoning_delta", "delta", "turn_end"} <= set(events(frames))
        assert "log" not in events(frames)


async def test_a_failed_run_is_an_error_frame_only_for_sockets_without_the_log() -> None:
    async with (
        hosting(ScriptedModel([ModelFailed("provider_auth", "No such key.")])) as served,
        client(served) as page,
        client(served) as other,
    ):
        await page.attach("room", events="log")
        await other.attach("room")
        await page.say("room")
        assert (await until_end(page))[-1]["entry"]["event"]["status"] == "failed"
        assert "error" in events(await other.turn("room"))
        assert not any('"event":"error"' in text for text in page.raw)


@pytest.mark.promise("P7")
@pytest.mark.parametrize(
    ("settings", "members"),
    [({"show_reasoning": "deny"}, {}), ({}, {"include_reasoning": False})],
    ids=["operator", "page"],
)
async def test_hidden_reasoning_is_in_no_log_frame(
    settings: dict[str, Any], members: dict[str, Any]
) -> None:
    script = [think("secret thought"), say("Hi.")]
    async with hosting(ScriptedModel(script), **settings) as served, client(served) as page:
        await page.attach("room", events="log", **members)
        await page.say("room")
        types = [frame["entry"]["event"]["type"] for frame in await until_end(page)]
        assert "answer.delta" in types
        assert not any("reasoning" in each for each in types)
        assert not any("secret" in text or '"shown"' in text for text in page.raw)


async def test_a_new_chat_can_ask_for_the_log() -> None:
    async with hosting(ScriptedModel([say("Hi.")])) as served, client(served) as page:
        await page.send({"type": "new_chat", "events": "log"})
        chat_id = (await page.until("attached"))[-1]["chat_id"]
        await page.say(chat_id)
        assert (await until_end(page))[-1]["chat_id"] == chat_id
