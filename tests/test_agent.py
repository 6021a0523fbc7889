"""The Python API, as a user's script sees it."""

import asyncio
from pathlib import Path

import pytest

from thinkaloud import (
    Agent,
    AgentHook,
    InvalidRequest,
    NotFound,
    RunFailed,
    SyncAgent,
    UnknownModel,
    run_sync,
    tool,
)
from thinkaloud.events.event import ReasoningDelta, RunEnded, RunStarted
from thinkaloud.testing import ModelFailed, ScriptedModel, Silence, call_tool, say, think


@pytest.fixture(autouse=True)
def _nobody_elses_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("THINKALOUD_MODEL__DEFAULT", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)


def thinker() -> ScriptedModel:
    return ScriptedModel([think("Let me ", "see."), say("It is ", "4.")])


async def test_chat_returns_the_reply_with_reasoning_only_where_asked_for() -> None:
    async with Agent(ScriptedModel([think("Hm."), say("4")], [think("Hm."), say("4")])) as agent:
        asked = await agent.chat("2 + 2?", include_reasoning=True)
        plain = await agent.chat("2 + 2?")

    assert asked["assistant_response"] == plain["assistant_response"] == "4"
    assert (asked["reasoning"], asked["reasoning_status"]) == ("Hm.", "shown")
    assert asked["action_results"] == []
    assert asked["iterations"] == 1
    assert not [key for key in plain if key.startswith("reasoning") and key != "reasoning_effort"]


@pytest.mark.promise("P1", "P4", "P7")
@pytest.mark.parametrize("include_reasoning", [True, False])
async def test_on_chunk_gets_each_piece_with_its_type(include_reasoning: bool) -> None:
    chunks: list[tuple[str, str]] = []

    async def on_chunk(chunk: str, message_type: str) -> None:
        chunks.append((message_type, chunk))

    async with Agent(thinker()) as agent:
        reply = await agent.chat(
            "2 + 2?", streaming=True, on_chunk=on_chunk, include_reasoning=include_reasoning
        )

    thought = [("reasoning", "Let me "), ("reasoning", "see.")] if include_reasoning else []
    assert chunks == [*thought, ("assistant", "It is "), ("assistant", "4.")]
    assert reply["assistant_response"] == "It is 4."


async def test_stream_yields_type_and_chunk() -> None:
    async with Agent(thinker()) as agent:
        chunks = [chunk async for chunk in agent.stream("2 + 2?", include_reasoning=True)]

    assert chunks == [
        ("reasoning", "Let me "),
        ("reasoning", "see."),
        ("assistant", "It is "),
        ("assistant", "4."),
    ]


async def test_events_yields_the_typed_events_from_start_to_end() -> None:
    async with Agent(thinker()) as agent:
        events = [event async for event in agent.events("2 + 2?")]

    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunEnded)
    assert [event.text for event in events if isinstance(event, ReasoningDelta)] == [
        "Let me ",
        "see.",
    ]


@pytest.mark.promise("P10")
async def test_leaving_a_stream_early_stops_the_run() -> None:
    model = ScriptedModel([say("One"), Silence()])
    async with Agent(model) as agent:
        stream = agent.stream("go")
        assert await anext(stream) == ("assistant", "One")
        await stream.aclose()
        assert model.open_streams == 0
        (conversation,) = await agent.list_conversations()
        history = await agent.get_conversation_history(conversation.conversation_id)

    assert history.runs[0].status == "stopped"
    assert history.runs[0].response == "One"


async def test_cancelling_a_chat_stops_the_run() -> None:
    model = ScriptedModel([say("One"), Silence()])
    started = asyncio.Event()

    async def on_chunk(chunk: str, message_type: str) -> None:
        started.set()

    async with Agent(model) as agent, asyncio.TaskGroup() as tasks:
        chat = tasks.create_task(agent.chat("go", streaming=True, on_chunk=on_chunk))
        await started.wait()
        chat.cancel()
        await asyncio.wait([chat])
        assert model.open_streams == 0


async def test_an_exception_in_a_callback_reaches_the_caller_and_stops_the_run() -> None:
    async def on_chunk(chunk: str, message_type: str) -> None:
        raise LookupError("mine")

    model = ScriptedModel([say("One"), Silence()])
    async with Agent(model) as agent:
        with pytest.raises(LookupError, match="mine"):
            await agent.chat("go", streaming=True, on_chunk=on_chunk)
        assert model.open_streams == 0
        assert agent.get_system_status()["active_runs"] == 0


async def test_an_exception_in_a_hook_reaches_the_caller_as_it_is() -> None:
    class Broken(AgentHook):
        async def on_stream(self, delta: str) -> None:
            raise LookupError("mine")

    async with Agent(thinker(), hooks=[Broken()]) as agent:
        with pytest.raises(LookupError, match="mine"):
            await agent.chat("2 + 2?")


@pytest.mark.promise("P3")
async def test_a_failed_run_raises_with_the_partial_text() -> None:
    model = ScriptedModel([think("Hm"), say("Well, "), ModelFailed("provider_overloaded", "Busy.")])
    async with Agent(model) as agent:
        with pytest.raises(RunFailed) as caught:
            await agent.chat("go")

    assert caught.value.code == "provider_overloaded"
    assert (caught.value.partial, caught.value.reasoning) == ("Well, ", "Hm")


async def test_tools_are_plain_functions() -> None:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @tool(name="twice")
    async def double(n: int) -> int:
        """Double a number."""
        return 2 * n

    model = ScriptedModel(
        [call_tool("add", {"a": 1, "b": 2}, "c1"), call_tool("twice", {"n": 4}, "c2")], [say("ok")]
    )
    async with Agent(model, tools=[add, double]) as agent:
        reply = await agent.chat("go")

    results = [
        (each["action"], each["arguments"], each["result"]) for each in reply["action_results"]
    ]
    assert results == [("add", {"a": 1, "b": 2}, "3"), ("twice", {"n": 4}, "8")]


@pytest.mark.promise("P8")
async def test_a_conversation_continues_and_its_history_is_the_same_fold() -> None:
    model = ScriptedModel([think("a"), say("One")], [say("Two")])
    async with Agent(model) as agent:
        first = await agent.chat("first", conversation_id="mine")
        await agent.chat("second", conversation_id=first["conversation_id"])
        history = await agent.get_conversation_history("mine")

    assert [(run.input.text, run.response) for run in history.runs] == [
        ("first", "One"),
        ("second", "Two"),
    ]
    assert len(model.requests[1].turns) == 3


async def test_invalid_names_are_refused_with_a_message() -> None:
    async with Agent(ScriptedModel()) as agent:
        with pytest.raises(UnknownModel):
            await agent.chat("hi", model="nobody/nothing")
        with pytest.raises(InvalidRequest):
            await agent.chat("")
        with pytest.raises(NotFound):
            await agent.get_conversation_history("nowhere")


async def test_without_any_key_or_local_server_the_demo_model_answers_and_identifies_itself() -> (
    None
):
    async with Agent("demo/thinkaloud", tools=[]) as agent:
        assert agent.get_system_info()["demo"] is True
        assert "demo/thinkaloud" in [model.id for model in await agent.list_available_models()]
        assert agent.load_model("demo/thinkaloud").id == "demo/thinkaloud"


def test_the_synchronous_agent_does_the_same() -> None:
    model = ScriptedModel([think("Hm"), say("One")], [say("Two")])
    with SyncAgent(Agent(model)) as agent:
        reply = agent.chat("go", include_reasoning=True)
        chunks = list(agent.stream("go", include_reasoning=True))

    assert (reply["assistant_response"], reply["reasoning"]) == ("One", "Hm")
    assert chunks == [("assistant", "Two")]
    assert run_sync("go", agent=Agent(ScriptedModel([say("4")])))["assistant_response"] == "4"


async def test_the_synchronous_agent_works_where_a_loop_is_running() -> None:
    def notebook_cell() -> str:
        return run_sync("go", agent=Agent(ScriptedModel([say("4")])))["assistant_response"]

    assert notebook_cell() == "4"


def test_the_synchronous_agent_reports_why_it_cannot_open() -> None:
    with pytest.raises(UnknownModel), SyncAgent(Agent("nobody/nothing")):
        raise AssertionError("it opened")
