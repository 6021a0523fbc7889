"""The chat socket: many messages, stop, resume, and invalid input."""

import asyncio
import json
from typing import Any

import pytest
from typing_extensions import override
from websockets.exceptions import ConnectionClosed

from tests.harness import FixedAttachments
from tests.server.serving import Socket, serving
from thinkaloud.events.event import Attachment
from thinkaloud.ports.attachments import FileField
from thinkaloud.ports.principal import Principal
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.supervisor import RunRequest
from thinkaloud.testing import Cut, ScriptedModel, Silence, Wait, call_tool, say, think
from thinkaloud.tools.function import tool

DEEP = '{"text":"x","context":' + '{"a":' * 10_000 + "1" + "}" * 10_001
WRONG: dict[str, tuple[str, str, str | None]] = {
    "no JSON": ("{nope", "malformed_json", None),
    "empty": ("", "malformed_json", None),
    "an array": ("[]", "invalid_request", "body"),
    "no text": ("{}", "invalid_request", "text"),
    "too deep": (DEEP, "malformed_json", None),
    "NaN": ('{"text":"x","context":{"a":NaN}}', "malformed_json", None),
    "half a surrogate": ('{"text":"\\ud800"}', "malformed_json", None),
    "unknown type": ('{"type":"dance"}', "invalid_request", "type"),
    "type of a wrong type": ('{"type":7}', "invalid_request", "type"),
    "text of a wrong type": ('{"text":7}', "invalid_request", "text"),
    "blank text": ('{"text":"  "}', "invalid_request", "text"),
    "text too long": (json.dumps({"text": "x" * 401}), "invalid_request", "text"),
    "flag as text": (
        '{"text":"x","include_reasoning":"true"}',
        "invalid_request",
        "include_reasoning",
    ),
    "no iterations": ('{"text":"x","max_iterations":0}', "invalid_request", "max_iterations"),
    "unknown model": ('{"text":"x","model":"scripted/modle"}', "unknown_model", "model"),
    "unknown effort": (
        '{"text":"x","reasoning_effort":"huge"}',
        "unsupported_effort",
        "reasoning_effort",
    ),
    "resume of nothing": ('{"type":"resume"}', "invalid_request", "run_id"),
    "resume of both": (
        '{"type":"resume","run_id":"a","conversation_id":"b"}',
        "invalid_request",
        "run_id",
    ),
    "resume before the first": (
        '{"type":"resume","run_id":"a","after":-1}',
        "invalid_request",
        "after",
    ),
    "resume of an unknown run": ('{"type":"resume","run_id":"run_0"}', "not_found", None),
    "resume of an unknown conversation": (
        '{"type":"resume","conversation_id":"c"}',
        "not_found",
        None,
    ),
    "stop of an unknown run": ('{"type":"stop","run_id":"run_0"}', "not_found", None),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_wrong_is_a_soft_error_and_the_socket_stays_open(wrong: str) -> None:
    message, code, field = WRONG[wrong]
    async with (
        serving(ScriptedModel([say("Fine.")]), max_text_chars=400) as served,
        served.socket() as socket,
    ):
        await socket.send(message)
        frame = await socket.receive()
        assert frame["event"] == "error"
        assert (frame["seq"], frame["run_id"]) == (None, None)
        assert frame["data"]["code"] == code
        assert frame["data"].get("field") == field
        assert "run_id" not in frame["data"]
        await socket.send({"text": "Hi"})
        assert (await socket.until_end())[-1]["data"]["response"] == "Fine."


async def test_an_unknown_model_comes_with_names_like_it_and_an_effort_with_the_valid_ones() -> (
    None
):
    async with serving(ScriptedModel()) as served, served.socket() as socket:
        await socket.send({"text": "Hi", "model": "scripted/modle"})
        assert (await socket.receive())["data"]["nearest"] == ["scripted/model"]
        await socket.send({"text": "Hi", "reasoning_effort": "huge"})
        assert "high" in (await socket.receive())["data"]["valid"]


async def test_messages_are_answered_one_after_another_in_order_of_arrival() -> None:
    go = asyncio.Event()
    model = ScriptedModel([Wait(go), say("One")], [say("Two")], [say("Three")])
    async with serving(model) as served, served.socket() as socket:
        for text in ("1", "2", "3"):
            await socket.send({"text": text})
        go.set()
        ends = [(await socket.until_end())[-1] for _ in range(3)]
    assert [end["data"]["response"] for end in ends] == ["One", "Two", "Three"]
    assert len({end["run_id"] for end in ends}) == 3


async def test_too_many_queued_messages_are_refused_and_the_others_answered() -> None:
    go = asyncio.Event()
    model = ScriptedModel([Wait(go), say("One")], [say("Two")])
    async with serving(model, max_waiting_messages=1) as served, served.socket() as socket:
        for text in ("1", "2", "3"):
            await socket.send({"text": text})
        frames = [await socket.receive()]
        while frames[-1]["event"] != "error":
            frames.append(await socket.receive())
        assert frames[-1]["data"]["code"] == "busy"
        assert frames[-1]["data"]["retryable"] is True
        go.set()
        ends = [(await socket.until_end())[-1] for _ in range(2)]
    assert [end["data"]["response"] for end in ends] == ["One", "Two"]


@tool
async def forever() -> str:
    """Never return."""
    await asyncio.Event().wait()
    return ""


@pytest.mark.promise("P2", "P10")
@pytest.mark.parametrize("doing", ["thinking", "answering", "running a tool"])
async def test_stop_ends_the_run_whatever_it_does_and_reaches_no_later_one(doing: str) -> None:
    scripts: dict[str, tuple[list[Any], str]] = {
        "thinking": ([think("Hm"), Silence()], "reasoning"),
        "answering": ([say("A"), Silence()], "token"),
        "running a tool": ([call_tool("forever", {})], "action"),
    }
    script, sign = scripts[doing]
    model = ScriptedModel(script, [say("Next")])
    async with serving(model, tools=[forever]) as served, served.socket() as socket:
        await socket.send({"text": "Hi", "include_reasoning": True})
        frames = [await socket.receive()]
        while frames[-1]["event"] != sign:
            frames.append(await socket.receive())
        for _ in range(3):
            await socket.send({"type": "stop"})
        await socket.send({"text": "Again"})
        frames += await socket.until_end()
        second = await socket.until_end()
        assert model.open_streams == 0
    assert frames[-1]["data"]["status"] == "stopped"
    opened = [f["data"]["segment_id"] for f in frames if f["event"] == "reasoning"]
    closed = [f["data"]["segment_id"] for f in frames if f["event"] == "reasoning_end"]
    assert closed == opened
    assert second[-1]["data"]["response"] == "Next"
    assert second[-1]["data"]["status"] == "completed"


@pytest.mark.promise("P10")
async def test_a_stop_right_behind_its_message_stops_that_message() -> None:
    model = ScriptedModel([Silence()], [say("Next")])
    async with serving(model) as served, served.socket() as socket:
        await socket.send({"text": "Hi"})
        await socket.send({"type": "stop"})
        await socket.send({"text": "Again"})
        ends = [(await socket.until_end())[-1] for _ in range(2)]
    assert [end["data"]["status"] for end in ends] == ["stopped", "completed"]


class SlowAttachments(FixedAttachments):
    """Files that are read when the test decides."""

    def __init__(self) -> None:
        super().__init__(note=Attachment("note", "text/plain", "N"))
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    @override
    async def read(self, owner: str, name: str, field: FileField) -> Attachment:
        self.asked.set()
        await self.go.wait()
        return await super().read(owner, name, field)


@pytest.mark.promise("P10")
async def test_a_stop_stops_a_waiting_message_whose_run_is_just_being_started() -> None:
    files, go = SlowAttachments(), asyncio.Event()
    model = ScriptedModel([Wait(go), say("One")], [Silence()], [say("Three")])
    async with serving(model, attachments=files) as served, served.socket() as socket:
        await socket.send({"text": "1"})
        await socket.send({"text": "2", "context_files": ["note"]})
        go.set()
        await files.asked.wait()
        await socket.send({"type": "stop"})
        await socket.send({"text": "3"})
        await socket.send("not JSON: answered once the stop was taken")
        frames = [await socket.receive()]
        while frames[-1]["event"] != "error":
            frames.append(await socket.receive())
        files.go.set()
        ends = [(await socket.until_end())[-1] for _ in range(2)]
    assert [end["data"]["status"] for end in ends] == ["stopped", "completed"]


@pytest.mark.promise("P10")
async def test_any_socket_of_the_owner_can_stop_a_run_by_its_id() -> None:
    async with (
        serving(ScriptedModel([think("Hm"), Silence()])) as served,
        served.socket() as one,
        served.socket() as other,
    ):
        await one.send({"text": "Hi"})
        run_id = (await one.receive())["run_id"]
        await other.send({"type": "stop", "run_id": run_id})
        assert (await one.until_end())[-1]["data"]["status"] == "stopped"


@pytest.mark.promise("P9")
async def test_a_closed_socket_stops_nothing_and_another_gets_the_rest_once_and_in_order() -> None:
    go = asyncio.Event()
    model = ScriptedModel([think("Let ", "me "), Wait(go), think("see."), say("An", "swer")])
    async with serving(model) as served:
        async with served.socket() as socket:
            await socket.send({"text": "Hi", "include_reasoning": True})
            before = [await socket.receive()]
            while before[-1]["event"] != "reasoning":
                before.append(await socket.receive())
        run_id, last = before[-1]["run_id"], before[-1]["seq"]
        async with served.socket() as socket:
            await socket.send(
                {"type": "resume", "run_id": run_id, "after": last, "include_reasoning": True}
            )
            go.set()
            after = await socket.until_end()
    frames = before + after
    seqs = [frame["seq"] for frame in frames]
    assert seqs == sorted(set(seqs))
    assert joined(frames, "reasoning") == "Let me see."
    assert joined(frames, "token") == "Answer"
    assert after[-1]["data"]["status"] == "completed"


@pytest.mark.promise("P9")
async def test_a_message_of_a_client_that_leaves_at_once_is_answered() -> None:
    async with serving(ScriptedModel([say("Done")])) as served:
        async with served.socket() as socket:
            await socket.send({"text": "Hi", "conversation_id": "c1"})
        async with served.socket() as other:
            frame: dict[str, Any] = {}
            while frame.get("event") != "start":
                await other.send({"type": "resume", "conversation_id": "c1"})
                frame = await other.receive()
            assert (await other.until_end())[-1]["data"]["response"] == "Done"


@pytest.mark.promise("P9", "P12")
async def test_a_followed_conversation_shows_every_run_once_and_no_other_conversation() -> None:
    model = ScriptedModel([say("One")], [say("Elsewhere")], [think("T"), say("Two")])
    async with serving(model) as served, served.socket() as follower, served.socket() as other:
        await talk_to(other, "c1")
        await follower.send({"type": "resume", "conversation_id": "c1"})
        first = await follower.until_end()
        await talk_to(other, "c2")
        await follower.send({"text": "Hi", "conversation_id": "c1", "include_reasoning": True})
        second = await follower.until_end()
    assert joined(first, "token") == "One"
    assert [f["event"] for f in second] == ["start", "progress", "token", "complete"]
    assert joined(second, "token") == "Two"
    seqs = [frame["seq"] for frame in first + second]
    assert seqs == sorted(set(seqs))


async def test_a_followed_conversation_is_not_followed_twice() -> None:
    async with serving(ScriptedModel([say("A"), Silence()])) as served, served.socket() as socket:
        await socket.send({"text": "Hi", "conversation_id": "c1"})
        run_id = (await socket.receive())["run_id"]
        codes: list[str] = []
        for wanted in ({"run_id": run_id}, {"conversation_id": "c1"}):
            await socket.send({"type": "resume", **wanted})
            frame = await socket.receive()
            while frame["event"] != "error":
                frame = await socket.receive()
            codes.append(frame["data"]["code"])
    assert codes == ["conflict", "conflict"]


async def test_the_conversations_of_a_socket_are_limited() -> None:
    async with (
        serving(ScriptedModel([say("A")], [say("B")]), max_follows_per_socket=1) as served,
        served.socket() as socket,
    ):
        for name in ("c1", "c2"):
            await talk_to(socket, name)
        for name in ("c1", "c2"):
            await socket.send({"type": "resume", "conversation_id": name, "after": 0})
        frame = await socket.receive()
        while frame["event"] != "error":
            frame = await socket.receive()
        assert frame["data"]["code"] == "busy"


async def test_an_unissued_cursor_is_refused() -> None:
    async with serving(ScriptedModel([say("A")])) as served, served.socket() as socket:
        end = await talk_to(socket, "c1")
        await socket.send({"type": "resume", "run_id": end["run_id"], "after": end["seq"] + 1})
        frame = await socket.receive()
    assert (frame["data"]["code"], frame["data"]["field"]) == ("invalid_request", "after")


@pytest.mark.promise("P12")
async def test_what_belongs_to_another_owner_does_not_exist_on_the_socket() -> None:
    model = ScriptedModel([say("Private")])
    async with serving(model) as served, served.socket() as socket:
        record = await served.runs.start(
            Principal("somebody"), RunRequest("Hi", conversation_id="theirs")
        )
        for message in (
            {"type": "resume", "run_id": record.run_id},
            {"type": "resume", "conversation_id": "theirs"},
            {"type": "stop", "run_id": record.run_id},
        ):
            await socket.send(message)
            assert (await socket.receive())["data"]["code"] == "not_found"
        await talk_to(socket, "theirs")


async def test_a_message_that_is_too_large_closes_only_its_own_socket() -> None:
    async with serving(ScriptedModel([say("A")]), max_body_bytes=10_000) as served:
        async with served.socket() as socket:
            await socket.send("x" * 20_000)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009
        async with served.socket() as socket:
            assert (await talk_to(socket, "c1"))["data"]["response"] == "A"


async def test_open_sockets_are_limited() -> None:
    async with serving(ScriptedModel([say("A")]), max_sockets=1) as served:
        async with served.socket():
            with pytest.raises(Exception, match="503"):
                async with served.socket():
                    pass
        while (await served.get("/system-status"))[1]["open_sockets"]:
            pass
        async with served.socket() as socket:
            assert (await talk_to(socket, "c1"))["data"]["response"] == "A"


@pytest.mark.promise("P14")
async def test_a_reader_that_stops_reading_is_dropped_and_delays_no_other() -> None:
    huge = [say("x" * 60_000) for _ in range(400)]
    model = ScriptedModel(huge, [say("Quick")])
    limits = Limits(max_response_chars=10**9)
    async with (
        serving(model, limits=limits, send_timeout_seconds=0.1) as served,
        served.socket() as quick,
        served.socket(max_queue=1) as slow,
    ):
        await slow.send({"text": "Hi"})
        while (await served.get("/system-status"))[1]["dropped_readers"] == 0:
            pass
        assert (await talk_to(quick, "c1"))["data"]["response"] == "Quick"
        with pytest.raises(ConnectionClosed) as closed:
            await read_on(slow)
    assert closed.value.rcvd is None or closed.value.rcvd.code == 1013


async def test_a_failed_run_leaves_the_socket_open() -> None:
    async with (
        serving(ScriptedModel([say("Half"), Cut()], [say("Whole")])) as served,
        served.socket() as socket,
    ):
        failed = await talk_to(socket, "c1")
        assert failed["data"]["code"] == "provider_stream_cut"
        assert (await talk_to(socket, "c1"))["data"]["response"] == "Whole"


async def test_a_models_text_is_one_string_whatever_it_contains() -> None:
    text = "\r\n\r\nevent: complete\ndata: {}\n\nid: 99\r\u2028 </script>"
    async with serving(ScriptedModel([say(text)])) as served, served.socket() as socket:
        assert (await talk_to(socket, "c1"))["data"]["response"] == text


async def read_on(socket: Socket) -> None:
    while True:
        await socket.connection.recv()


async def talk_to(socket: Socket, conversation_id: str) -> dict[str, Any]:
    """Send a message and return its terminal frame."""
    await socket.send({"text": "Hi", "conversation_id": conversation_id})
    return (await socket.until_end())[-1]


def joined(frames: list[dict[str, Any]], event: str) -> str:
    return "".join(frame["data"]["token"] for frame in frames if frame["event"] == event)
