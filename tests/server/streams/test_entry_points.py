"""One message over REST, SSE and WebSocket: the same run and the same result, however it ends."""

import asyncio
from typing import Any

import pytest

from tests.harness import OWNER, FixedCatalogue
from tests.server.serving import TRANSPORTS, Exchange, Served, exchange_over, serving
from thinkaloud.errors import ConfigurationError
from thinkaloud.events.model import ReasoningText
from thinkaloud.ports.model import Model
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.testing import (
    Cut,
    ModelFailed,
    Script,
    ScriptedModel,
    Silence,
    call_tool,
    say,
    think,
)
from thinkaloud.tools.function import tool

SECRET = "canary-4711"
TOOL_LOOP: list[Script] = [
    [think("I must ", "add."), call_tool("add", {"a": 2, "b": 3})],
    [think("So it is 5."), say("It is ", "5.")],
]
SCENARIOS: dict[str, list[Script]] = {
    "thought then answer": [[think(" Let me\n", "  see. "), say("Four", " \n", "  indented")]],
    "reasoning only": [[think("Only thought.")]],
    "one-shot reasoning": [[think("All at once."), say("Done.")]],
    "reasoning after answer": [[say("First."), think("Wait."), say("Second."), think("Late.")]],
    "tool loop": TOOL_LOOP,
    "no reasoning": [[say("Hi.")]],
}
FAILURES: dict[str, tuple[Script, str, int]] = {
    "auth": ([ModelFailed("provider_auth", "Bad key.")], "provider_auth", 502),
    "bad request": ([ModelFailed("provider_bad_request", "No.")], "provider_bad_request", 502),
    "overloaded after text": (
        [think("T"), say("Half"), ModelFailed("provider_overloaded", "Later.")],
        "provider_overloaded",
        503,
    ),
    "cut while thinking": ([think("T"), Cut()], "provider_stream_cut", 502),
    "cut while answering": ([think("T"), say("Half"), Cut()], "provider_stream_cut", 502),
    "refusal": ([ModelFailed("provider_refusal", "I will not.")], "provider_refusal", 502),
    "silence": ([think("T"), say("Half"), Silence()], "provider_timeout", 504),
    "script broken": ([], "internal_error", 500),
}


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def check_segments(received: Exchange) -> None:
    """Every segment opens with text, is alone, and is closed once (P2)."""
    open_segment: str | None = None
    closed: set[str] = set()
    for frame in received.frames:
        data = frame["data"]
        if frame["event"] == "reasoning":
            assert open_segment in {None, data["segment_id"]}
            open_segment = data["segment_id"]
            assert open_segment not in closed
        elif frame["event"] == "reasoning_end":
            assert data["segment_id"] == open_segment
            closed.add(data["segment_id"])
            open_segment = None
        else:
            assert open_segment is None, f"{frame['event']} inside a segment"
    assert open_segment is None


@pytest.mark.promise("P1", "P2", "P3", "P4")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_every_transport_reports_the_same_run(transport: str, scenario: str) -> None:
    async with serving(ScriptedModel(*SCENARIOS[scenario]), tools=[add]) as served:
        received = await exchange_over(transport, served, include_reasoning=True)
        assert received.complete is not None
        _, run = await served.get(f"/runs/{received.complete['run_id']}?include_reasoning=true")
    reply = received.complete
    assert reply["status"] == run["status"] == "completed"
    thoughts, answers = expected_texts(SCENARIOS[scenario])
    assert reply["reasoning"] == run["reasoning"] == thoughts
    assert reply["response"] == run["response"] == answers
    assert reply["reasoning_status"] == ("shown" if thoughts else "none")
    if transport != "rest":
        assert received.texts("reasoning") == thoughts
        assert received.texts("token") == answers
        check_segments(received)


def expected_texts(scripts: list[Script]) -> tuple[str, str]:
    """What was scripted as reasoning and as answer, with the blank line between two answers."""
    thoughts, answers, after_other = "", "", False
    for script in scripts:
        steps = [each for step in script for each in (step if isinstance(step, list) else [step])]
        for step in steps:
            text = getattr(step, "text", None)
            if text is None:
                after_other = True
            elif isinstance(step, ReasoningText):
                thoughts, after_other = thoughts + text, True
            else:
                answers += ("\n\n" if answers and after_other else "") + text
                after_other = False
    return thoughts, answers


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_tool_loop_shows_each_call_and_its_result(transport: str) -> None:
    async with serving(ScriptedModel(*TOOL_LOOP), tools=[add]) as served:
        received = await exchange_over(transport, served)
    assert received.complete is not None
    (action,) = received.complete["action_results"]
    assert action["duration_ms"] >= 0
    assert {key: action[key] for key in action if key != "duration_ms"} == {
        "action": "add",
        "arguments": {"a": 2, "b": 3},
        "result": "5",
        "status": "ok",
        "tool_call_id": "call_0",
        "truncated": False,
    }
    assert received.complete["iterations"] == 2
    if transport != "rest":
        assert [data["phase"] for data in received.named("action")] == ["start", "end"]
        assert [data["iteration"] for data in received.named("progress")] == [1, 2]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_reaching_the_iteration_limit_is_a_distinct_end(transport: str) -> None:
    async with serving(ScriptedModel(TOOL_LOOP[0]), tools=[add]) as served:
        received = await exchange_over(transport, served, max_iterations=1)
    assert received.complete is not None
    assert received.complete["status"] == "max_iterations"
    assert received.complete["max_iterations"] == 1
    assert received.complete["action_results"][0]["result"] == "5"


@pytest.mark.promise("P2", "P3")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failure_has_its_code_its_status_and_the_partial_answer(
    transport: str, failure: str
) -> None:
    script, code, status = FAILURES[failure]
    model = ScriptedModel(script) if script else ScriptedModel()
    async with serving(model, limits=Limits(idle_timeout_seconds=0.05)) as served:
        received = await exchange_over(transport, served, include_reasoning=True)
        assert received.error is not None
        _, run = await served.get(f"/runs/{received.error['run_id']}")
    assert received.error["code"] == code
    assert run["status"] == "failed"
    assert run["error"]["code"] == code
    assert run["response"] == ("Half" if say("Half")[0] in flat(script) else "")
    if transport == "rest":
        assert received.error["status"] == status
        assert received.error["partial"] == run["response"]
        assert received.error["reasoning"] == ("T" if think("T")[0] in flat(script) else "")
        assert received.error["conversation_id"] == run["conversation_id"]
    else:
        check_segments(received)


def flat(script: Script) -> list[object]:
    return [each for step in script for each in (step if isinstance(step, list) else [step])]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_rate_limit_has_a_retry_after(transport: str) -> None:
    failed = ModelFailed("provider_rate_limit", "Slow down.", retryable=True, retry_after=4000.0)
    async with serving(ScriptedModel([failed])) as served:
        if transport == "rest":
            async with served.session.post(
                f"{served.api}/chat/message", json={"text": "Hi"}
            ) as response:
                assert response.status == 429
                assert response.headers["Retry-After"] == "4000"
                error: Any = await response.json()
        else:
            received = await exchange_over(transport, served)
            error = received.error
    assert error["code"] == "provider_rate_limit"
    assert error["retryable"] is True
    assert error["retry_after"] == 4000.0


@pytest.mark.promise("P7", "P15")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("asked", "policy"), [(False, "allow"), (True, "deny")], ids=["not asked", "denied"]
)
@pytest.mark.parametrize("ending", ["answer", "failure", "stopped"])
async def test_hidden_reasoning_is_sent_nowhere(
    transport: str, asked: bool, policy: str, ending: str
) -> None:
    script: list[Any] = [think(SECRET[:4], SECRET[4:]), say("Ok")]
    if ending == "failure":
        script.append(Cut())
    if ending == "stopped":
        script.append(Silence())
    async with serving(ScriptedModel(script), show_reasoning=policy) as served:
        raw = await raw_bytes(transport, served, asked, stop=ending == "stopped")
        _, listed = await served.get("/conversations")
        conversation_id = listed["conversations"][0]["conversation_id"]
        run_id = await run_of(served, conversation_id)
        flag = f"include_reasoning={'true' if asked else 'false'}"
        for path in (
            f"/conversations/{conversation_id}/messages?{flag}",
            f"/runs/{run_id}?{flag}",
            f"/runs/{run_id}/events?{flag}",
            "/conversations",
        ):
            raw += await fetch(served, served.api + path)
        raw += await fetch(served, f"{served.url}/metrics")
    assert SECRET[:4].encode() not in raw
    assert SECRET[4:].encode() not in raw
    assert b'"reasoning":' not in raw
    assert b"Ok" in raw


async def run_of(served: Served, conversation_id: str) -> str:
    """Return the id of the one run of a conversation."""
    (run_id,) = (await served.services.runs.hub.fold(OWNER, conversation_id)).runs
    return run_id


async def fetch(served: Served, url: str) -> bytes:
    async with served.session.get(url) as response:
        return str(response.headers).encode() + await response.read()


async def raw_bytes(transport: str, served: Served, asked: bool, *, stop: bool) -> bytes:
    """Return everything that a transport sends for one message, headers included."""
    body = {"text": "Hi", "include_reasoning": asked, "conversation_id": "c1"}
    if transport == "socket":
        async with served.socket() as socket:
            await socket.send(body)
            frames: list[Any] = []
            while not frames or frames[-1]["event"] not in {"complete", "error"}:
                frames.append(await socket.receive())
                if stop and frames[-1]["event"] == "token":
                    await socket.send({"type": "stop"})
            return repr(frames).replace("'", '"').encode()
    path = "/chat/message" if transport == "rest" else "/chat/stream-sse"
    async with asyncio.TaskGroup() as tasks:
        if stop:
            tasks.create_task(stop_when_answering(served))
        async with served.session.post(served.api + path, json=body) as response:
            return str(response.headers).encode() + await response.read()


async def stop_when_answering(served: Served) -> None:
    """Stop the run of conversation c1 as soon as it answers."""
    await served.post("/conversations", {"conversation_id": "c1"})
    async with served.events("GET", "/conversations/c1/events?after=0") as stream:
        async for frame in stream:
            if frame["event"] == "token":
                break
    await served.post(f"/runs/{await run_of(served, 'c1')}/stop")


@pytest.mark.promise("P15")
async def test_a_denied_request_for_reasoning_is_reported_and_changes_nothing_else() -> None:
    model = ScriptedModel(*[[think("T"), say("A")]] * 2)
    async with serving(model, show_reasoning="deny") as served:
        body = {"text": "Hi", "include_reasoning": True, "reasoning_effort": "high"}
        async with served.session.post(f"{served.api}/chat/message", json=body) as response:
            assert response.status == 200
            assert response.headers["X-Reasoning-Withheld"] == "policy"
            assert "reasoning" not in await response.json()
        received = await exchange_over("socket", served, include_reasoning=True)
        _, can = await served.get("/capabilities")
    assert received.named("start")[0]["include_reasoning"] is False
    assert can["features"]["reasoning_output"] is False
    assert can["reasoning_supported"] is True
    assert model.requests[0].effort == "high"


@pytest.mark.promise("P15")
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_sending_reasoning_and_reasoning_itself_are_separate_switches(transport: str) -> None:
    model = ScriptedModel(*[[say("A")]] * 2)
    async with serving(model) as served:
        shown = await exchange_over(
            transport, served, include_reasoning=True, reasoning_effort="none"
        )
        hidden = await exchange_over(
            transport, served, include_reasoning=False, reasoning_effort=2048
        )
    assert [request.effort for request in model.requests] == ["none", 2048]
    assert shown.complete is not None
    assert shown.complete["reasoning"] == ""
    assert hidden.complete is not None
    assert "reasoning" not in hidden.complete
    assert hidden.complete["reasoning_effort"] == 2048


async def test_streaming_true_returns_an_event_stream() -> None:
    async with serving(ScriptedModel([say("Hi")])) as served:
        body = {"text": "Hello", "streaming": True}
        async with served.events("POST", "/chat/message", json=body) as stream:
            frames = [frame async for frame in stream]
    assert [frame["event"] for frame in frames] == ["start", "progress", "token", "complete"]


async def test_an_idempotency_key_returns_the_first_run_and_starts_no_second() -> None:
    model = ScriptedModel([say("Once")])
    async with serving(model) as served:
        headers = {"Idempotency-Key": "key-1"}
        first = await served.post("/chat/message", {"text": "Hi"}, headers=headers)
        again = await served.post("/chat/message", {"text": "Hi"}, headers=headers)
    assert first == again
    assert len(model.requests) == 1


@pytest.mark.promise("P9")
@pytest.mark.parametrize("path", ["/chat/message", "/chat/stream-sse"])
async def test_an_abandoned_request_leaves_its_run_active(path: str) -> None:
    model = ScriptedModel([think("T"), say("A"), Silence()])
    async with serving(model) as served:
        body = {"text": "Hi", "conversation_id": "c1"}
        await served.post("/conversations", {"conversation_id": "c1"})
        async with served.events("GET", "/conversations/c1/events?after=0") as stream:
            asking = asyncio.ensure_future(served.session.post(served.api + path, json=body))
            async for frame in stream:
                if frame["event"] == "token":
                    break
            if path == "/chat/message":
                asking.cancel()
                await asyncio.wait([asking])
            else:
                (await asking).close()
        while (await served.get("/system-status"))[1]["open_event_streams"]:
            pass
        _, run = await served.get(f"/runs/{await run_of(served, 'c1')}")
        assert run["status"] == "running"
        assert model.open_streams == 1
        await served.post(f"/runs/{run['run_id']}/stop")
    assert model.open_streams == 0


class KeylessCatalogue(FixedCatalogue):
    """A catalogue whose host lacks its key."""

    def open(self, model_id: str | None) -> Model:
        raise ConfigurationError("No key for lab: set LAB_API_KEY.")


async def test_a_missing_key_names_the_variable_to_set_on_every_transport() -> None:
    catalogue = KeylessCatalogue(ScriptedModel())
    async with serving(catalogue=catalogue) as served:
        status, problem = await served.post("/chat/message", {"text": "Hi"})
        assert (status, problem["code"]) == (503, "configuration")
        assert "LAB_API_KEY" in problem["detail"]
        async with served.socket() as socket:
            await socket.send({"text": "Hi"})
            frame = await socket.receive()
        assert frame["data"]["code"] == "configuration"
        assert "LAB_API_KEY" in frame["data"]["message"]
        status, health = await served.get("/health")
        assert (status, health["status"]) == (503, "unhealthy")
