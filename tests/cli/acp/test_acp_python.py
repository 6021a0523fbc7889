"""The Python library of the Agent Client Protocol against `thinkaloud acp`, with and without a server."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import acp
import pytest
from acp.schema import TextResourceContents

from tests.cli.acp.editor import Editor, editing, local, remote
from tests.server.api.test_upload import PNG, open_server
from tests.server.serving import serving
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import AssistantTurn, ReasoningPart, UserTurn
from thinkaloud.providers.scripted import Cut, Silence, finish
from thinkaloud.testing import ScriptedModel, call_tool, say, think

Start = Callable[[ScriptedModel], AbstractAsyncContextManager[Editor]]
TEXT = "Grüß\u2028dich\u0085👋\n"


@pytest.fixture(params=["server", "process"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Connect an editor with an agent that uses a server, or runs the model itself."""

    @asynccontextmanager
    async def started(model: ScriptedModel) -> AsyncGenerator[Editor]:
        if request.param == "process":
            async with local(model, tmp_path) as backend, editing(backend) as editor:
                yield editor
            return
        async with open_server(model) as served, editing(remote(served, tmp_path)) as editor:
            yield editor

    return started


@pytest.mark.feature("reasoning", "usage")
async def test_an_editor_shows_reasoning_and_the_answer_as_they_stream(start: Start) -> None:
    usage = Usage(input_tokens=3, output_tokens=5, reasoning_tokens=2)
    model = ScriptedModel([think("Hm\u2028", "m."), say(TEXT, "!"), finish("stop", usage)])
    async with start(model) as editor:
        session = await editor.open()
        answer = await editor.ask(session, "Why?")
        assert answer.stop_reason == "end_turn"
        assert (answer.usage.input_tokens, answer.usage.thought_tokens) == (3, 2)
        assert editor.text("agent_thought_chunk") == "Hm\u2028m."
        assert editor.text("agent_message_chunk") == f"{TEXT}!"
        thought, message = editor.updates[0], editor.shown("agent_message_chunk")[0]
        assert thought["messageId"] != message["messageId"]
        assert editor.shown("usage_update")[0]["used"] == 8
        assert editor.shown("session_info_update")[0]["title"] == "Grüß"


@pytest.mark.feature("tools")
async def test_an_editor_shows_a_tool_call_and_its_result(start: Start) -> None:
    model = ScriptedModel([call_tool("no_such_tool", {"a": 1}, "c1")], [say("Done")])
    async with start(model) as editor:
        await editor.ask(await editor.open(), "Use it")
        (call,) = editor.shown("tool_call")
        assert (call["toolCallId"], call["title"], call["rawInput"]) == (
            "c1",
            "no_such_tool",
            {"a": 1},
        )
        (ended,) = editor.shown("tool_call_update")
        assert ended["status"] == "failed"
        assert ended["content"][0]["content"]["text"]


@pytest.mark.feature("stop")
async def test_cancelling_during_reasoning_stops_the_model(start: Start) -> None:
    model = ScriptedModel([think("Hm"), Silence()])
    async with start(model) as editor:
        session = await editor.open()
        asking = asyncio.create_task(editor.ask(session, "Why?"))
        await editor.until("agent_thought_chunk")
        assert model.open_streams == 1
        await editor.agent.cancel(session_id=session)
        assert (await asking).stop_reason == "cancelled"
        assert model.open_streams == 0


async def test_a_cancellation_right_after_the_prompt_is_not_lost(start: Start) -> None:
    async with start(ScriptedModel([Silence()])) as editor:
        session = await editor.open()
        asking = asyncio.create_task(editor.ask(session, "Why?"))
        await asyncio.sleep(0)  # Now the prompt is sent, and nothing has been received.
        await editor.agent.cancel(session_id=session)
        assert (await asking).stop_reason == "cancelled"


@pytest.mark.feature("history")
async def test_the_second_prompt_continues_with_the_reasoning_of_the_first(start: Start) -> None:
    model = ScriptedModel([think("Hm."), say("First")], [say("Second")])
    async with start(model) as editor:
        session = await editor.open()
        await editor.ask(session, "One")
        await editor.ask(session, "Two")
        assert editor.text("agent_message_chunk") == "FirstSecond"
    first, answer, second = model.requests[1].turns
    assert isinstance(first, UserTurn)
    assert isinstance(second, UserTurn)
    assert isinstance(answer, AssistantTurn)
    assert [part for part in answer.parts if isinstance(part, ReasoningPart)]


@pytest.mark.feature("resume")
async def test_a_loaded_session_is_shown_as_it_was(start: Start) -> None:
    model = ScriptedModel(
        [think("Hm."), call_tool("no_such_tool", {}, "c1")], [say("First")], [say("Second")]
    )
    async with start(model) as editor:
        session = await editor.open()
        await editor.ask(session, "One")
        await editor.agent.close_session(session_id=session)
        (listed,) = (await editor.agent.list_sessions(cwd="/home")).sessions
        assert (listed.session_id, listed.cwd, listed.title) == (session, "/home", "First")
        before = len(editor.updates)
        loaded = await editor.agent.load_session(cwd="/", session_id=session, mcp_servers=[])
        assert loaded.config_options[0].category == "model"
        kinds = [each["sessionUpdate"] for each in editor.updates[before:]]
        assert kinds[:4] == [
            "user_message_chunk",
            "agent_thought_chunk",
            "tool_call",
            "agent_message_chunk",
        ]
        await editor.agent.close_session(session_id=session)
        before = len(editor.updates)
        await editor.agent.resume_session(cwd="/", session_id=session)
        assert len(editor.updates) == before
        await editor.ask(session, "Two")
        assert editor.text("agent_message_chunk").endswith("Second")


async def test_effort_and_model_are_options_of_a_session(start: Start) -> None:
    model = ScriptedModel([say("a")])
    async with start(model) as editor:
        session = await editor.open()
        changed = await editor.agent.set_config_option(
            session_id=session, config_id="effort", value="high"
        )
        effort = changed.config_options[1]
        assert (effort.category, effort.current_value) == ("thought_level", "high")
        await editor.ask(session, "Why?")
        with pytest.raises(acp.RequestError, match="effort") as caught:
            await editor.agent.set_config_option(
                session_id=session, config_id="effort", value="enormous"
            )
        assert caught.value.code == -32602
        with pytest.raises(acp.RequestError) as caught:
            await editor.agent.set_config_option(
                session_id=session, config_id="model", value="no/such"
            )
        assert caught.value.code == -32602
    assert model.requests[0].effort == "high"


async def test_a_prompt_can_have_images_links_and_files(start: Start) -> None:
    model = ScriptedModel([say("A pixel")])
    async with start(model) as editor:
        session = await editor.open()
        file = TextResourceContents(uri="file:///a.py", text="print(1)")
        await editor.ask(
            session,
            "See ",
            acp.resource_link_block("b.py", "file:///b.py"),
            acp.resource_block(
                acp.schema.EmbeddedResourceContentBlock(type="resource", resource=file).resource
            ),
            acp.image_block(base64.b64encode(PNG).decode(), "image/png"),
        )
    prompt = str(model.requests[0].turns)
    assert "See [b.py](file:///b.py)" in prompt
    assert "print(1)" in prompt
    assert "image/png" in prompt


@pytest.mark.feature("errors")
async def test_a_failure_is_an_error_and_the_session_goes_on(start: Start) -> None:
    model = ScriptedModel([think("Hm"), Cut()], [say("Fine")])
    async with start(model) as editor:
        session = await editor.open()
        with pytest.raises(acp.RequestError, match="cut off") as caught:
            await editor.ask(session, "Why?")
        assert (caught.value.code, caught.value.data["code"]) == (-32603, "provider_stream_cut")
        with pytest.raises(acp.RequestError) as caught:
            await editor.ask(session, "")
        assert caught.value.code == -32602
        with pytest.raises(acp.RequestError) as caught:
            await editor.ask("acp_unknown", "Why?")
        assert caught.value.code == -32002
        assert (await editor.ask(session, "Again")).stop_reason == "end_turn"


async def test_a_session_answers_one_prompt_at_a_time(start: Start) -> None:
    async with start(ScriptedModel([think("Hm"), Silence()])) as editor:
        session = await editor.open()
        asking = asyncio.create_task(editor.ask(session, "Why?"))
        await editor.until("agent_thought_chunk")
        with pytest.raises(acp.RequestError, match="another prompt"):
            await editor.ask(session, "And?")
        await editor.agent.close_session(session_id=session)
        assert (await asking).stop_reason == "cancelled"


@pytest.mark.promise("P7")
async def test_an_editor_gets_no_reasoning_where_the_server_denies_it(tmp_path: Path) -> None:
    model: Any = ScriptedModel([think("xylophone"), say("Fine")])
    async with (
        serving(model, show_reasoning="deny") as served,
        editing(remote(served, tmp_path)) as editor,
    ):
        session = await editor.open()
        await editor.ask(session, "Why?")
        await editor.agent.load_session(cwd="/", session_id=session, mcp_servers=[])
        assert "xylophone" not in str(editor.updates)
        assert editor.text("agent_message_chunk") == "FineFine"
