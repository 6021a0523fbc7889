"""Runs on scripted models, from the request to the one terminal event."""

import asyncio

import pytest

from tests.harness import OWNER, FakeClock, events_of, logged, open_runs, start
from tests.runtime.reading import assert_segments_closed, end_of, texts
from thinkaloud.errors import InvalidRequest, NotFound, UnknownModel
from thinkaloud.events.event import (
    AnswerDelta,
    ModelResponded,
    Notice,
    ReasoningDelta,
    ToolEnded,
    ToolStarted,
)
from thinkaloud.events.prompt import AssistantTurn, ToolTurn, UserTurn
from thinkaloud.ports.principal import Principal
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.supervisor import RunRequest
from thinkaloud.testing import (
    Batch,
    Cut,
    ModelFailed,
    Script,
    ScriptedModel,
    Silence,
    Wait,
    call_tool,
    finish,
    say,
    think,
)
from thinkaloud.tools.function import tool


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def test_thought_and_answer_come_as_typed_events_in_order() -> None:
    model = ScriptedModel([think("Let me ", "see."), say("It is ", "4.")])
    async with open_runs(model) as runs:
        events = await events_of(runs)

    kinds = [type(event).__name__ for event in events]
    assert kinds == [
        "RunStarted",
        "IterationStarted",
        "ReasoningDelta",
        "ReasoningDelta",
        "ReasoningEnded",
        "AnswerDelta",
        "AnswerDelta",
        "AnswerEnded",
        "ModelResponded",
        "RunEnded",
    ]
    assert end_of(events).status == "completed"


ENDINGS: dict[str, tuple[list[Script], str, str | None]] = {
    "reasoning only": ([[think("Hm.")]], "completed", None),
    "one-shot reasoning": ([[Batch((*think("All at once."), *say("Yes.")))]], "completed", None),  # type: ignore[list-item]
    "answer only": ([[say("Yes.")]], "completed", None),
    "reasoning after the answer": ([[say("A."), think("b"), say("C.")]], "completed", None),
    "nothing at all": ([[finish()]], "completed", None),
    "error before anything": ([[ModelFailed("provider_auth", "No.")]], "failed", "provider_auth"),
    "error while thinking": (
        [[think("Hm"), ModelFailed("provider_overloaded", "Busy.", retryable=True)]],
        "failed",
        "provider_overloaded",
    ),
    "error while answering": (
        [[say("Well"), ModelFailed("provider_bad_request", "No.")]],
        "failed",
        "provider_bad_request",
    ),
    "cut while thinking": ([[think("Hm"), Cut()]], "failed", "provider_stream_cut"),
    "cut while answering": ([[think("Hm"), say("We"), Cut()]], "failed", "provider_stream_cut"),
    "output used up by thinking": ([[think("Hm"), finish("length")]], "completed", None),
    "tool call while thinking": (
        [[think("Hm"), call_tool("add", {"a": 1, "b": 2})], [say("3")]],
        "completed",
        None,
    ),
    "tool call after answering": (
        [[say("Wait."), call_tool("add", {"a": 1, "b": 2})], [think("So"), say("3")]],
        "completed",
        None,
    ),
    "silence while thinking": ([[think("Hm"), Silence()]], "failed", "provider_timeout"),
}


@pytest.mark.promise("P2", "P3")
@pytest.mark.parametrize(("scripts", "status", "code"), ENDINGS.values(), ids=ENDINGS.keys())
async def test_every_outcome_closes_its_segments_and_ends_once(
    scripts: list[Script], status: str, code: str | None
) -> None:
    async with open_runs(
        ScriptedModel(*scripts), tools=[add], limits=Limits(idle_timeout_seconds=0.05)
    ) as runs:
        events = await events_of(runs)

    assert_segments_closed(events)
    end = end_of(events)
    assert end.status == status
    assert (end.error.code if end.error else None) == code


@pytest.mark.promise("P1", "P4")
async def test_reasoning_and_answer_keep_every_byte_and_stay_separate() -> None:
    thought = ["  \n", "\tdef f(x):\n", "    return '<answer>'", "\n\n"]
    answer = ["  indented", "\n", " </think> ", "🙂"]
    async with open_runs(ScriptedModel([think(*thought), say(*answer)])) as runs:
        record = await start(runs)
        events = [each.event for each in await logged(runs, record)]
        fold = await runs.fold(record)

    assert fold is not None
    assert texts(events, ReasoningDelta) == "".join(thought) == fold.view().reasoning
    assert texts(events, AnswerDelta) == "".join(answer) == fold.view().response


async def test_a_tool_is_run_and_its_result_is_sent_back_to_the_model() -> None:
    model = ScriptedModel([think("Sum."), call_tool("add", {"a": 2, "b": 2})], [say("4")])
    async with open_runs(model, tools=[add]) as runs:
        events = await events_of(runs, "2 + 2?")

    assert [event for event in events if isinstance(event, ToolStarted | ToolEnded)] == [
        ToolStarted("call_0", "add", '{"a":2,"b":2}'),
        ToolEnded("call_0", "add", "ok", "4", 1),
    ]
    user, assistant, results = model.requests[1].turns
    assert isinstance(user, UserTurn)
    assert isinstance(assistant, AssistantTurn)
    assert isinstance(results, ToolTurn)
    assert results.results[0].content == "4"


async def test_tools_of_one_response_run_concurrently() -> None:
    meeting = asyncio.Barrier(2)

    @tool
    async def meet(name: str) -> str:
        """Return only when the other is there too."""
        await meeting.wait()
        return name

    calls = [call_tool("meet", {"name": "a"}, "c1"), call_tool("meet", {"name": "b"}, "c2")]
    async with open_runs(ScriptedModel(calls, [say("Met.")]), tools=[meet]) as runs:
        async with asyncio.timeout(5):
            events = await events_of(runs)

    results = {e.tool_call_id: e.result for e in events if isinstance(e, ToolEnded)}
    assert results == {"c1": "a", "c2": "b"}


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (call_tool("subtract", {}), "unknown_tool"),
        (call_tool("add", "{not json"), "invalid_arguments"),
        (call_tool("add", "[1, 2]"), "invalid_arguments"),
        (call_tool("add", {"a": "x", "b": 1}), "error"),
    ],
    ids=["unknown tool", "no JSON", "no object", "wrong type"],
)
async def test_an_invalid_call_is_returned_to_the_model_and_the_run_continues(
    call: list[object], status: str
) -> None:
    model = ScriptedModel([call], [say("Sorry.")])  # type: ignore[list-item]
    async with open_runs(model, tools=[add]) as runs:
        events = await events_of(runs)

    ended = next(event for event in events if isinstance(event, ToolEnded))
    assert ended.status == status
    assert end_of(events).status == "completed"
    results = model.requests[1].turns[-1]
    assert isinstance(results, ToolTurn)
    assert results.results[0].is_error


@pytest.mark.promise("P1")
async def test_a_tool_call_inside_reasoning_is_never_executed() -> None:
    written = '<tool_call>{"name": "add", "arguments": {"a": 1, "b": 2}}</tool_call>'
    async with open_runs(ScriptedModel([think(written), say("Done.")]), tools=[add]) as runs:
        events = await events_of(runs)

    assert not [event for event in events if isinstance(event, ToolStarted)]


async def test_reaching_max_iterations_is_a_status_of_its_own_with_what_was_done() -> None:
    model = ScriptedModel(*[[call_tool("add", {"a": n, "b": 0})] for n in range(5)])
    async with open_runs(model, tools=[add]) as runs:
        events = await events_of(runs, max_iterations=3)

    end = end_of(events)
    assert (end.status, end.iterations, len(model.requests)) == ("max_iterations", 3, 3)
    assert [event.result for event in events if isinstance(event, ToolEnded)] == ["0", "1", "2"]


@pytest.mark.promise("P6")
async def test_before_the_first_visible_token_a_retry_respects_retry_after() -> None:
    busy = ModelFailed("provider_rate_limit", "Slow down.", retryable=True, retry_after=7.0)
    clock = FakeClock()
    async with open_runs(ScriptedModel([busy], [think("Now."), say("Yes.")]), clock=clock) as runs:
        events = await events_of(runs)

    assert clock.slept == [7.0]
    assert texts(events, AnswerDelta) == "Yes."
    assert [event.code for event in events if isinstance(event, Notice)] == ["provider_retry"]
    assert end_of(events).status == "completed"


@pytest.mark.promise("P6")
@pytest.mark.parametrize("first_output", [think("Hm"), say("We")], ids=["thought", "answer"])
async def test_nothing_is_retried_after_the_first_visible_token(
    first_output: list[object],
) -> None:
    busy = ModelFailed("provider_overloaded", "Busy.", retryable=True, retry_after=0.0)
    model = ScriptedModel([first_output, busy], [say("Second time.")])  # type: ignore[list-item]
    clock = FakeClock()
    async with open_runs(model, clock=clock) as runs:
        events = await events_of(runs)

    assert len(model.requests) == 1
    assert clock.slept == []
    assert end_of(events).status == "failed"


@pytest.mark.promise("P6")
async def test_retries_are_bounded_and_a_long_wait_is_left_to_the_caller() -> None:
    busy = ModelFailed("provider_overloaded", "Busy.", retryable=True)
    model = ScriptedModel(*[[busy]] * 9)
    async with open_runs(model) as runs:
        events = await events_of(runs)
    assert len(model.requests) == 4

    later = ModelFailed("provider_rate_limit", "Tomorrow.", retryable=True, retry_after=86_400.0)
    model = ScriptedModel([later])
    async with open_runs(model) as runs:
        events = await events_of(runs)
    error = end_of(events).error
    assert error is not None
    assert (error.code, error.retry_after) == ("provider_rate_limit", 86_400.0)


@pytest.mark.promise("P13")
async def test_a_rejected_opaque_block_is_dropped_once_with_a_notice() -> None:
    refused = ModelFailed("provider_bad_request", "Invalid signature.", rejected="opaque")
    model = ScriptedModel([refused], [say("Yes.")])
    async with open_runs(model) as runs:
        events = await events_of(runs)

    assert [request.send_opaque for request in model.requests] == [True, False]
    notices = [event.code for event in events if isinstance(event, Notice)]
    assert notices == ["opaque_reasoning_dropped"]


@pytest.mark.promise("P12")
async def test_two_messages_to_one_conversation_are_answered_in_sequence() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([say("One"), Wait(gate)], [say("Two")])
    async with open_runs(model) as runs:
        first = await start(runs, "first", conversation_id="c")
        second = await start(runs, "second", conversation_id="c")
        gate.set()
        await logged(runs, second)
        log = await runs.hub.fold(OWNER, "c")

    assert list(log.runs) == [first.run_id, second.run_id]
    user_turns = [turn for turn in model.requests[1].turns if isinstance(turn, UserTurn)]
    assert [turn.text for turn in user_turns] == ["first", "second"]


@pytest.mark.promise("P12")
async def test_runs_without_a_conversation_share_nothing() -> None:
    model = ScriptedModel([say("One")], [say("Two")])
    async with open_runs(model) as runs:
        first, second = await start(runs, "first"), await start(runs, "second")
        await logged(runs, first)
        await logged(runs, second)

    assert first.conversation_id != second.conversation_id
    assert all(len(request.turns) == 1 for request in model.requests)


@pytest.mark.promise("P12")
async def test_another_owners_run_and_conversation_do_not_exist() -> None:
    async with open_runs(ScriptedModel([say("One")])) as runs:
        record = await start(runs, conversation_id="mine")
        await logged(runs, record)
        with pytest.raises(NotFound):
            await runs.record("other", record.run_id)
        with pytest.raises(NotFound):
            await runs.stop("other", record.run_id)
        with pytest.raises(NotFound):
            await runs.conversations.get("other", "mine")


@pytest.mark.promise("P15")
async def test_effort_reaches_the_model_and_does_not_change_who_sees_reasoning() -> None:
    model = ScriptedModel([say("One")], [think("Hm"), say("Two")])
    async with open_runs(model) as runs:
        await events_of(runs, reasoning_effort="none")
        events = await events_of(runs)

    assert [request.effort for request in model.requests] == ["none", None]
    assert texts(events, ReasoningDelta) == "Hm"


async def test_an_endless_stream_is_cut_at_the_limit_and_its_output_kept() -> None:
    flood = Batch(tuple(say(*["x" * 100] * 50)))  # type: ignore[arg-type]
    limits = Limits(max_response_chars=8_000)
    model = ScriptedModel([flood, flood, flood])
    async with open_runs(model, limits=limits) as runs:
        events = await events_of(runs)

    error = end_of(events).error
    assert error is not None
    assert error.code == "provider_stream_cut"
    assert len(texts(events, AnswerDelta)) == 10_000


async def test_a_response_with_only_reasoning_fails_with_its_token_counts() -> None:
    async with open_runs(ScriptedModel([think("Hm"), finish("length")])) as runs:
        events = await events_of(runs)

    outcome = end_of(events).outcome
    responded = next(event for event in events if isinstance(event, ModelResponded))
    assert responded.finish_reason == "length"
    assert outcome is not None
    assert outcome.code == "output_limit"


@pytest.mark.parametrize(
    ("request_", "error", "field"),
    [
        (RunRequest(text="   "), InvalidRequest, "text"),
        (RunRequest(text="x", conversation_id="a b"), InvalidRequest, "conversation_id"),
        (RunRequest(text="x", conversation_id=""), InvalidRequest, "conversation_id"),
        (RunRequest(text="x", conversation_id="a" * 65), InvalidRequest, "conversation_id"),
        (RunRequest(text="half \ud800 a pair"), InvalidRequest, "text"),
        (RunRequest(text="x", context={"a": {"b": "\ud800"}}), InvalidRequest, "context"),
        (RunRequest(text="x", context={"a": object()}), InvalidRequest, "context"),
        (RunRequest(text="x", context_files=("\udc80",)), InvalidRequest, "context_files"),
        (RunRequest(text="x", image_path="\udc80"), InvalidRequest, "image_path"),
        (RunRequest(text="x", max_iterations=0), InvalidRequest, "max_iterations"),
        (RunRequest(text="x", max_iterations=1_000_000), InvalidRequest, "max_iterations"),
        (RunRequest(text="x", context_files=("../x",)), InvalidRequest, "context_files"),
        (RunRequest(text="x", reasoning_effort=0), InvalidRequest, "reasoning_effort"),
        (RunRequest(text="x", reasoning_effort="huge"), InvalidRequest, "reasoning_effort"),  # type: ignore[arg-type]
    ],
)
async def test_a_bad_request_is_refused_by_field_before_anything_is_stored(
    request_: RunRequest, error: type[InvalidRequest], field: str
) -> None:
    async with open_runs(ScriptedModel()) as runs:
        with pytest.raises(error) as caught:
            await runs.start(Principal(OWNER), request_)
        assert runs.hub.open_logs == 0

    assert caught.value.field == field


async def test_an_unknown_model_is_refused_with_the_nearest_names() -> None:
    async with open_runs(ScriptedModel()) as runs:
        with pytest.raises(UnknownModel, match="scripted/model"):
            await start(runs, model="scripted/modle")


async def test_closing_the_supervisor_interrupts_runs_with_a_terminal_event() -> None:
    model = ScriptedModel([think("Hm"), Silence()])
    async with open_runs(model) as runs:
        record = await start(runs)
        async with runs.follow(record) as follower:
            await follower.batch()
        hub = runs.hub
    fold = await hub.fold(record.owner, record.conversation_id)
    ended = fold.runs[record.run_id].ended

    assert ended is not None
    assert ended.error is not None
    assert (ended.status, ended.error.code) == ("failed", "interrupted")
