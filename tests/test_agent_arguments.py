"""The arguments of the Python API: wrong names and types are rejected before anything starts."""

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import anyio
import pytest

from thinkaloud import (
    Agent,
    AgentHook,
    ChatReply,
    ChatReplyWithReasoning,
    InvalidRequest,
    SyncAgent,
    UserError,
    run_sync,
    tool,
)
from thinkaloud.agent_reply import ActionDict, ReasoningSegmentDict
from thinkaloud.core.reply import ActionResult, ReasoningSegment, Reply
from thinkaloud.stores.sqlite import Opening, SqliteStore
from thinkaloud.testing import ScriptedModel, Silence, call_tool, say, think


@pytest.fixture(autouse=True)
def _nobody_elses_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def model() -> ScriptedModel:
    return ScriptedModel([think("Hm"), say("One")])


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("sytem_prompt", "system_prompt"),
        ("prompt", "system_prompt"),
        ("tool", "tools"),
        ("hook", "hooks"),
        ("effort", "reasoning_effort"),
        ("Store", "store"),
        ("config_file", "config"),
    ],
)
def test_an_agent_suggests_the_intended_argument(wrong: str, meant: str) -> None:
    options: dict[str, Any] = {wrong: None}
    with pytest.raises(TypeError, match=rf"Agent\(\) .*'{wrong}'. Did you mean '{meant}'\?"):
        Agent(model(), **options)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("efort", "reasoning_effort"),
        ("effort", "reasoning_effort"),
        ("conversation", "conversation_id"),
        ("max_iteration", "max_iterations"),
        ("files", "context_files"),
        ("image", "image_path"),
        ("temp", "temporary"),
    ],
)
async def test_a_request_suggests_the_intended_argument(wrong: str, meant: str) -> None:
    options: dict[str, Any] = {wrong: None}
    async with Agent(model()) as agent:
        with pytest.raises(TypeError, match=rf"chat\(\) .*Did you mean '{meant}'\?"):
            await agent.chat("go", **options)
        # At the call, and not when the first chunk is asked for.
        with pytest.raises(TypeError, match=rf"stream\(\) .*Did you mean '{meant}'\?"):
            agent.stream("go", **options)
        with pytest.raises(TypeError, match=rf"events\(\) .*Did you mean '{meant}'\?"):
            agent.events("go", **options)
        assert await agent.list_conversations() == []


def test_the_synchronous_calls_suggest_it_too() -> None:
    wrong: dict[str, Any] = {"efort": "low"}
    with SyncAgent(Agent(model())) as agent:
        with pytest.raises(TypeError, match="reasoning_effort"):
            agent.chat("go", **wrong)
        with pytest.raises(TypeError, match="reasoning_effort"):
            agent.stream("go", **wrong)
    with pytest.raises(TypeError, match="reasoning_effort"):
        run_sync("go", agent=Agent(model()), **wrong)


def test_an_unknown_name_is_answered_with_all_valid_names() -> None:
    options: dict[str, Any] = {"zzz": 1}
    with pytest.raises(TypeError, match=r"'zzz'\. It takes model, tools, system_prompt, store"):
        Agent(model(), **options)


def plain() -> str:
    return "plain"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"model": 3}, "model must be an id"),
        ({"model": ScriptedModel}, "model must be an id"),
        ({"model": " "}, "model is empty"),
        ({"tools": plain}, "tools must be a list"),
        ({"tools": "plain"}, "tools must be a list"),
        ({"tools": {"plain": plain}}, "tools must be a list"),
        ({"tools": [plain, tool(name="plain")(lambda: "")]}, "Two tools have the name 'plain'"),
        ({"hooks": AgentHook()}, "hooks must be a list"),
        ({"hooks": [3]}, "hooks must be a list of AgentHook"),
        ({"hooks": [Path]}, "hooks must be a list of AgentHook"),
        ({"system_prompt": ["Be brief."]}, "system_prompt must be a str"),
        ({"store": "chats.db"}, "store must be an open Store"),
        ({"config": 3}, "config must be a path"),
        ({"reasoning_effort": "hihg"}, "reasoning_effort must be one of none, minimal"),
        ({"reasoning_effort": True}, "reasoning_effort must be one of none, minimal"),
    ],
)
def test_an_agent_refuses_a_wrong_type_with_the_accepted_ones(
    options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InvalidRequest, match=expected) as caught:
        Agent(**options)
    assert caught.value.field in options


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"text": None}, "text must be str, not None"),
        ({"text": b"go"}, "text must be str, not bytes"),
        ({"text": ["go"]}, "text must be str, not list"),
        ({"conversation_id": 3}, "conversation_id must be str or None, not int"),
        ({"context": ["a"]}, "context must be dict, not list"),
        ({"context": {1: 2}}, "The keys of context must be str, not int"),
        ({"context_files": "notes.md"}, "context_files must be a list of names, not 'notes.md'"),
        ({"context_files": ["a", 3]}, "context_files.1. must be str, not int"),
        ({"max_iterations": "3"}, "max_iterations must be int or None, not str"),
        ({"max_iterations": True}, "max_iterations must be int or None, not bool"),
        ({"model": 3}, "model must be str or None, not int"),
        ({"reasoning_effort": "hihg"}, "reasoning_effort must be one of none"),
        ({"reasoning_effort": 2.5}, "reasoning_effort must be one of none"),
        ({"temporary": "yes"}, "temporary must be bool, not str"),
        ({"replaces": 3}, "replaces must be str or None, not int"),
        ({"image_path": 3}, "image_path must be str or None, not int"),
    ],
)
async def test_a_request_refuses_a_wrong_type_with_the_accepted_ones(
    options: dict[str, Any], expected: str
) -> None:
    async with Agent(model()) as agent:
        with pytest.raises(InvalidRequest, match=expected) as caught:
            await agent.chat(**{"text": "go", **options})
        assert caught.value.field in options
        assert await agent.list_conversations() == []


async def test_none_is_the_same_as_omitted() -> None:
    options: dict[str, Any] = dict.fromkeys(
        ("conversation_id", "context", "context_files", "image_path", "max_iterations", "model")
    )
    options |= dict.fromkeys(("reasoning_effort", "replaces", "temporary"))
    agent = Agent(model(), tools=None, hooks=None, store=None, config=None, system_prompt=None)
    async with agent:
        assert (await agent.chat("go", **options))["assistant_response"] == "One"


Chunks = list[tuple[str, str]]


def callbacks(chunks: Chunks) -> list[Callable[..., Any]]:
    def plain(chunk: str, message_type: str) -> None:
        chunks.append((message_type, chunk))

    async def waiting(chunk: str, message_type: str) -> None:
        await asyncio.sleep(0)
        chunks.append((message_type, chunk))

    class Object:
        def __call__(self, chunk: str, message_type: str, extra: int = 0) -> None:
            plain(chunk, message_type)

    return [plain, waiting, Object(), functools.partial(waiting), lambda *args: plain(*args)]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("streaming", [{}, {"streaming": True}, {"streaming": False}])
async def test_every_kind_of_callback_is_called_with_or_without_streaming(
    number: int, streaming: dict[str, bool]
) -> None:
    chunks: Chunks = []
    on_chunk = callbacks(chunks)[number]
    async with Agent(model()) as agent:
        await agent.chat("go", on_chunk=on_chunk, include_reasoning=True, **streaming)
    assert chunks == [("reasoning", "Hm"), ("assistant", "One")]


def test_a_callback_of_a_synchronous_call_is_called() -> None:
    chunks: Chunks = []
    with SyncAgent(Agent(model())) as agent:
        agent.chat("go", on_chunk=callbacks(chunks)[0])
    assert chunks == [("assistant", "One")]


async def test_an_exception_in_a_plain_callback_reaches_the_caller_and_stops_the_run() -> None:
    def on_chunk(chunk: str, message_type: str) -> None:
        raise LookupError("mine")

    endless = ScriptedModel([say("One"), Silence()])
    async with Agent(endless) as agent:
        with pytest.raises(LookupError, match="mine"):
            await agent.chat("go", on_chunk=on_chunk)
        assert endless.open_streams == 0


@pytest.mark.parametrize(
    ("on_chunk", "expected"),
    [
        (3, "must be a function .*not int"),
        ("print", "must be a function .*not str"),
        (lambda: None, r"is called with \(chunk, message_type\)"),
        (lambda chunk: None, r"is called with \(chunk, message_type\)"),
        (lambda chunk, message_type, more: None, r"is called with \(chunk, message_type\)"),
    ],
)
async def test_a_callback_that_cannot_be_called_is_refused_before_the_run(
    on_chunk: Any, expected: str
) -> None:
    async with Agent(model()) as agent:
        with pytest.raises(TypeError, match=expected):
            await agent.chat("go", on_chunk=on_chunk)
        assert await agent.list_conversations() == []


async def test_hooks_may_be_plain_functions() -> None:
    chunks: list[str] = []

    class Plain(AgentHook):
        def before_run(self, run: Any) -> None:  # type: ignore[override]
            chunks.append("before_run")

        def on_stream(self, delta: str) -> None:  # type: ignore[override]
            chunks.append(delta)

        def finalize_content(self, content: str) -> str:  # type: ignore[override]
            return content + "!"

        def after_run(self, reply: Any) -> None:  # type: ignore[override]
            chunks.append("after_run")

    async with Agent(model(), hooks=[Plain]) as agent:
        assert (await agent.chat("go"))["assistant_response"] == "One\n\n!"
    assert chunks == ["before_run", "One", "\n\n!", "after_run"]


async def test_a_hook_that_returns_no_text_raises_a_clear_error() -> None:
    class WrongHook(AgentHook):
        async def finalize_content(self, content: str) -> str | None:
            return 3  # type: ignore[return-value]

    async with Agent(model(), hooks=[WrongHook]) as agent:
        with pytest.raises(TypeError, match="must return str or None, not int"):
            await agent.chat("go")


async def test_a_factory_that_returns_no_hook_is_refused_before_anything_is_stored() -> None:
    hooks: Any = [lambda: None]
    async with Agent(model(), hooks=hooks) as agent:
        with pytest.raises(InvalidRequest, match="is not an AgentHook"):
            await agent.chat("go")
        assert await agent.list_conversations() == []
        assert agent.get_system_status()["active_runs"] == 0


async def test_an_agent_is_opened_once_at_a_time() -> None:
    agent = Agent(model())
    async with agent:
        with pytest.raises(UserError, match="already open"):
            await agent.__aenter__()
        assert (await agent.chat("go"))["assistant_response"] == "One"


async def test_an_agent_of_another_event_loop_is_refused_with_a_message() -> None:
    async with Agent(model()) as agent:

        def elsewhere() -> None:
            asyncio.run(agent.chat("go"))

        with pytest.raises(UserError, match="another event loop"):
            await asyncio.to_thread(elsewhere)


async def test_a_timeout_of_anyio_stops_the_run(tmp_path: Path) -> None:
    """Its scopes cancel again at every await, also while the run is being stopped."""
    started = anyio.Event()
    endless = ScriptedModel([say("One"), Silence()])
    async with (
        SqliteStore.open(tmp_path / "chats.db", Opening()) as store,
        Agent(endless, store=store) as agent,
    ):
        with anyio.CancelScope() as scope:

            def on_chunk(chunk: str, message_type: str) -> None:
                started.set()
                scope.cancel()

            await agent.chat("go", on_chunk=on_chunk)
        assert started.is_set()
        assert endless.open_streams == 0
        assert agent.get_system_status()["active_runs"] == 0


async def test_a_chat_that_is_cancelled_while_it_starts_leaves_no_run_behind() -> None:
    for turns in range(40):
        async with Agent(ScriptedModel([say("One"), Silence()])) as agent:
            task = asyncio.get_running_loop().create_task(agent.chat("go"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert agent.get_system_status()["active_runs"] == 0


async def test_the_reply_has_the_fields_of_its_type() -> None:
    scripted = ScriptedModel([think("Hm"), call_tool("plain", {}, "c")], [say("One")])
    async with Agent(scripted, tools=[plain]) as agent:
        full = await agent.chat("go", include_reasoning=True)
    assert set(full) == set(get_type_hints(ChatReplyWithReasoning)) - {"approvals"}
    assert set(full["action_results"][0]) == set(get_type_hints(ActionDict))
    assert set(full["reasoning_segments"][0]) == set(get_type_hints(ReasoningSegmentDict))
    async with Agent(model()) as agent:
        brief = await agent.chat("go")
    assert set(brief) == set(ChatReply.__required_keys__)
    renamed = {"response": "assistant_response"}
    assert {renamed.get(name, name) for name in Reply.__struct_fields__} == set(full) | {
        "approvals"
    }
    assert ActionResult.__struct_fields__ == tuple(get_type_hints(ActionDict))
    assert ReasoningSegment.__struct_fields__ == tuple(get_type_hints(ReasoningSegmentDict))
