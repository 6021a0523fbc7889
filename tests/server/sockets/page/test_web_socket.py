"""`/ws`: many chats on one socket, many sockets on one chat."""

import asyncio

import pytest

from tests.channels.sockets import check_run, client, ended, events, hosting, texts
from tests.server.serving import Json
from thinkaloud.channels.settings import WebSocketSettings
from thinkaloud.providers.scripted import Script, Wait
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.testing import (
    Cut,
    ModelFailed,
    ScriptedModel,
    Silence,
    call_tool,
    say,
    think,
)
from thinkaloud.tools.function import tool

CANARY = "canary-4711"
SCENARIOS: dict[str, list[Script]] = {
    "thought then answer": [[think(" Let me\n", "  see. "), say("Four", " \n", "  indented")]],
    "reasoning only": [[think("Only thought.")]],
    "reasoning after answer": [[say("First."), think("Wait."), say("Second."), think("Late.")]],
    "tool loop": [
        [think("I must ", "add."), call_tool("add", {"a": 2, "b": 3})],
        [think("So it is 5."), say("It is ", "5.")],
    ],
    "cut while thinking": [[think("T"), Cut()]],
    "cut while answering": [[think("T"), say("Half"), Cut()]],
    "failed": [[think("T"), say("Half"), ModelFailed("provider_overloaded", "Later.")]],
    "silence": [[think("T"), Silence()]],
}


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.promise("P2", "P4")
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_run_is_sent_completely_and_in_order(scenario: str) -> None:
    limits = Limits(idle_timeout_seconds=0.2)
    async with (
        hosting(ScriptedModel(*SCENARIOS[scenario]), tools=[add], limits=limits) as served,
        client(served) as one,
    ):
        own = one.ready["chat_id"]
        await one.send("Hello")
        frames = await one.turn(own)
        (reply,) = await ended(served, own)
    check_run(frames)
    assert frames[0]["event"] == "message_accepted"
    assert texts(frames, "reasoning_delta") == reply["reasoning"] != ""
    assert texts(frames, "delta") == reply["text"]
    assert frames[-1]["status"] == reply["status"]
    assert frames[-1]["timing"] == reply["timing"]
    assert frames[-1]["usage"] == reply["usage"]


async def test_a_tool_call_is_shown_with_its_arguments_and_its_result() -> None:
    async with (
        hosting(ScriptedModel(*SCENARIOS["tool loop"]), tools=[add]) as served,
        client(served) as one,
    ):
        await one.send("Hello")
        frames = await one.turn(one.ready["chat_id"])
    start, end = [frame for frame in frames if frame["event"] == "tool_event"]
    assert (start["phase"], start["name"], start["arguments"]) == ("start", "add", '{"a":2,"b":3}')
    assert (end["phase"], end["status"], end["result"]) == ("end", "ok", "5")
    assert start["tool_call_id"] == end["tool_call_id"]


@pytest.mark.parametrize("member", ["content", "text", "message"])
async def test_an_object_without_a_type_is_a_message_in_the_sockets_own_chat(member: str) -> None:
    async with hosting(ScriptedModel([say("Hi.")])) as served, client(served) as one:
        await one.send({member: "Hello"})
        frames = await one.turn(one.ready["chat_id"])
    assert frames[0]["text"] == "Hello"
    assert texts(frames, "delta") == "Hi."


@pytest.mark.parametrize("text", ["42", '"quoted"', "[1, 2]", "  two\nlines  "])
async def test_text_that_is_not_an_object_is_a_message(text: str) -> None:
    async with hosting(ScriptedModel([say("Hi.")])) as served, client(served) as one:
        await one.send(text)
        frames = await one.turn(one.ready["chat_id"])
    assert frames[0]["text"] == text


@pytest.mark.promise("P12")
async def test_many_chats_share_one_socket() -> None:
    gates = [asyncio.Event() for _ in range(3)]
    models = [
        ScriptedModel(
            [think(f"thought {n}"), Wait(gate), say(f"answer {n}")], model_id=f"scripted/{n}"
        )
        for n, gate in enumerate(gates)
    ]
    async with hosting(*models) as served, client(served) as one:
        for n in range(3):
            await one.say(f"chat-{n}", f"question {n}", model=f"scripted/{n}")
            await one.until("reasoning_delta")
        found: dict[int, list[Json]] = {}
        for n in (2, 0, 1):
            gates[n].set()
            found[n] = await one.until("turn_end")
    for n, frames in found.items():
        assert {frame["chat_id"] for frame in frames} == {f"chat-{n}"}
        assert texts(frames, "delta") == f"answer {n}"


@pytest.mark.promise("P8")
async def test_many_sockets_see_the_same_frames_of_one_chat() -> None:
    model = ScriptedModel([think("a", "b"), say("c", "d")])
    async with (
        hosting(model) as served,
        client(served) as one,
        client(served) as two,
        client(served) as three,
    ):
        own = one.ready["chat_id"]
        assert await two.attach(own) == {
            "event": "attached", "chat_id": own, "seq": 0, "floor": 0, "running": [], "exists": False,
            "temporary": False,
        }  # fmt: skip
        await three.attach(own, after=0)
        await two.say(own)
        frames = await one.turn(own)
        theirs = await two.turn(own)
        assert await three.turn(own) == frames
    check_run(frames)
    assert theirs[1:] == frames[1:]
    # Only the sender, which already shows its message, gets message_accepted.
    assert [theirs[0]["event"], frames[0]["event"]] == ["message_accepted", "user_message"]
    assert {**theirs[0], "event": "user_message"} == frames[0]


async def test_a_new_chat_is_created_and_attached() -> None:
    async with hosting(ScriptedModel([say("Hi.")])) as served, client(served) as one:
        await one.send({"type": "new_chat"})
        (attached,) = await one.until("attached")
        assert attached["chat_id"] != one.ready["chat_id"]
        assert (attached["exists"], attached["temporary"]) == (True, False)
        status, _ = await served.get(f"/conversations/{attached['chat_id']}")
        assert status == 200
        await one.say(attached["chat_id"])
        assert texts(await one.turn(attached["chat_id"]), "delta") == "Hi."


async def test_a_temporary_chat_is_in_no_list() -> None:
    async with hosting(ScriptedModel([say("Hi.")])) as served, client(served) as one:
        await one.send({"type": "new_chat", "temporary": True})
        (attached,) = await one.until("attached")
        assert attached["temporary"] is True
        await one.say(attached["chat_id"])
        assert texts(await one.turn(attached["chat_id"]), "delta") == "Hi."
        _, page = await served.get("/conversations")
        async with client(served) as later:
            assert (await later.attach(attached["chat_id"]))["temporary"] is True
    assert page["conversations"] == []


async def test_a_socket_that_sends_a_ping_gets_a_pong() -> None:
    gate = asyncio.Event()
    async with (
        hosting(ScriptedModel([think("Hm"), Wait(gate), say("Hi.")])) as served,
        client(served) as one,
    ):
        await one.send({"type": "ping"})
        assert await one.receive() == {"event": "pong"}
        await one.send("Hello")
        await one.until("reasoning_delta")
        await one.send({"type": "ping"})
        assert await one.receive() == {"event": "pong"}
        gate.set()
        assert texts(await one.turn(one.ready["chat_id"]), "delta") == "Hi."


async def test_a_message_may_replace_a_run() -> None:
    model = ScriptedModel([say("First.")], [say("Better.")])
    async with hosting(model) as served, client(served) as one, client(served) as two:
        await one.say("room")
        first = (await one.turn("room"))[-1]["run_id"]
        await one.say("room", replaces=first)
        frames = await one.turn("room")
        await two.attach("room")
        (snapshot,) = await two.until("snapshot")
    assert frames[0]["replaces"] == first
    (run,) = snapshot["conversation"]["runs"]
    assert [block["text"] for block in run["blocks"]] == ["Better."]


async def test_a_message_to_a_chat_that_is_not_attached_attaches_it_from_now_on() -> None:
    model = ScriptedModel([say("First.")], [say("Second.")])
    async with hosting(model) as served, client(served) as one, client(served) as two:
        await one.say("room")
        await one.turn("room")
        await two.say("room")
        frames = await two.turn("room")
    assert events(frames)[:2] == ["attached", "message_accepted"]
    assert texts(frames, "delta") == "Second."


async def test_a_detached_chat_is_silent_and_its_run_continues() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([think("Hm"), Wait(gate), say("Done.")], [say("Other.")])
    async with hosting(model) as served, client(served) as one, client(served) as two:
        await one.say("room")
        await one.until("reasoning_delta")
        await two.attach("room")
        await one.send({"type": "detach", "chat_id": "room"})
        await one.say("other")
        await one.until("turn_end")
        gate.set()
        await two.turn("room")
        await one.attach("room", after=0)
        assert texts(await one.turn("room"), "delta") == "Done."
    (seen_at,) = [at for at, text in enumerate(one.raw) if "Done." in text]
    attached_at = [at for at, text in enumerate(one.raw) if '"attached"' in text]
    assert seen_at > attached_at[-1]


@pytest.mark.promise("P6")
async def test_a_message_sent_again_with_its_id_is_answered_once() -> None:
    model = ScriptedModel([say("Once.")], [say("Other chat.")])
    async with hosting(model) as served, client(served) as one, client(served) as two:
        await one.say("room", client_message_id="m-1")
        frames = await one.turn("room")
        await two.say("room", client_message_id="m-1")
        await two.say("elsewhere", client_message_id="m-1")
        other = await two.turn("elsewhere")
        assert len(await ended(served, "room")) == 1
    assert [f["client_message_id"] for f in frames if f["event"] == "message_accepted"] == ["m-1"]
    assert texts(other, "delta") == "Other chat."
    assert len(model.requests) == 2


@pytest.mark.promise("P10")
@pytest.mark.parametrize("moment", ["thinking", "answering"])
async def test_a_stop_from_another_socket_ends_only_the_current_run(moment: str) -> None:
    output = [think("Hm")] if moment == "thinking" else [think("Hm"), say("Half")]
    gate = asyncio.Event()
    model = ScriptedModel([*output, Silence()], [Wait(gate), say("Next.")])
    async with hosting(model) as served, client(served) as one, client(served) as two:
        await one.say("room")
        await one.until("reasoning_delta" if moment == "thinking" else "delta")
        await one.say("room", "And then?")
        while len(served.runs.active) < 2:
            await asyncio.sleep(0)
        await two.send({"type": "stop", "chat_id": "room"})
        stopped = await one.turn("room")
        await two.send("{}")
        await two.until("error")
        gate.set()
        followed = await one.turn("room")
        await two.send({"type": "stop", "chat_id": "room"})
        await two.send({"type": "stop", "chat_id": two.ready["chat_id"]})
        await two.attach("room")
        assert "error" not in events(await two.until("snapshot"))
    assert model.open_streams == 0
    assert stopped[-1]["status"] == "stopped"
    closing = "reasoning_end" if moment == "thinking" else "stream_end"
    assert [f["interrupted"] for f in stopped if f["event"] == closing][-1:] == [True]
    assert followed[-1]["status"] == "completed"
    assert texts(followed, "delta") == "Next."


@pytest.mark.promise("P7", "P15")
@pytest.mark.parametrize(
    "setting", ["channel", "channel-policy", "policy", "attach", "message", "replay", "snapshot"]
)
async def test_no_byte_of_withheld_reasoning_is_sent(setting: str) -> None:
    channel = WebSocketSettings(
        show_reasoning=setting != "channel",
        reasoning="deny" if setting == "channel-policy" else "allow",
    )
    policy = "deny" if setting == "policy" else "allow"
    script = [think(f"{CANARY} one"), call_tool("add", {"a": 1, "b": 2})]
    model = ScriptedModel(script, [think(f"{CANARY} two"), say("Three.")])
    async with (
        hosting(model, tools=[add], channel=channel, show_reasoning=policy) as served,
        client(served) as one,
        client(served) as late,
    ):
        if setting == "attach":
            await one.attach("room", include_reasoning=False)
        await one.say("room", **({"include_reasoning": False} if setting == "message" else {}))
        frames = await one.turn("room")
        if setting in {"replay", "snapshot"}:
            cursor = {"after": 0} if setting == "replay" else {}
            await late.attach("room", include_reasoning=False, **cursor)
            frames = await (late.turn("room") if setting == "replay" else late.until("snapshot"))
            one = late
        (reply,) = await ended(served, "room")
    assert "Three." in "".join(one.raw)
    assert CANARY not in "".join(one.raw)
    assert not {"reasoning_delta", "reasoning_end"} & set(events(frames))
    if policy == "allow":
        # The channel's policy also applies to what is recorded of the runs that it starts.
        assert (CANARY in reply["reasoning"]) == (setting != "channel-policy")


@pytest.mark.promise("P7", "P3")
@pytest.mark.parametrize(
    "transport", ["cut", "failed", "refused tool", "only thought", "stop", "ended"]
)
async def test_a_failed_run_contains_no_reasoning_unless_requested(transport: str) -> None:
    ends: dict[str, Script] = {
        "cut": [Cut()],
        "failed": [ModelFailed("provider_overloaded", "Later.")],
        "refused tool": [call_tool("add", {"a": "no number"})],
        "only thought": [],
        "stop": [Silence()],
        "ended": [Silence()],
    }
    model = ScriptedModel([think(f"{CANARY} one"), *ends[transport]], [think(f"{CANARY} two")])
    async with hosting(model, tools=[add]) as served, client(served) as one, client(served) as two:
        await two.attach("room")
        await one.say("room", include_reasoning=False)
        await two.until("reasoning_delta")
        if transport == "stop":
            await one.send({"type": "stop", "chat_id": "room"})
        elif transport == "ended":
            await served.runs.interrupt()
        frames = await one.turn("room")
        await one.attach("room", include_reasoning=False)
        await one.until("snapshot")
    assert frames[-1]["status"] != "running"
    assert "snapshot" in one.raw[-1]
    assert CANARY not in "".join(one.raw)


@pytest.mark.promise("P15")
async def test_a_socket_that_opts_out_changes_nothing_for_the_others() -> None:
    model = ScriptedModel([think("Thought."), say("Answer.")])
    async with hosting(model) as served, client(served) as one, client(served) as two:
        await two.attach("room")
        await one.say("room", include_reasoning=False)
        mine, theirs = await one.turn("room"), await two.turn("room")
    assert texts(mine, "reasoning_delta") == ""
    assert texts(theirs, "reasoning_delta") == "Thought."
