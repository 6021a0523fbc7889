"""Other vendors' models behind the Messages API reason without being asked, and require their reasoning back."""

import json
from typing import Any

import msgspec
import pytest

from thinkaloud.events.model import ProviderPayload
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    Effort,
    ModelRequest,
    ReasoningPart,
    ToolCallPart,
    ToolResult,
    ToolTurn,
    Turn,
    UserTurn,
)
from thinkaloud.ports.model import Dialect
from thinkaloud.providers.catalogue import ConfiguredHost, bound, model_info
from thinkaloud.providers.hosts.host import Host, with_dialect
from thinkaloud.providers.hosts.table import HOSTS
from thinkaloud.runtime.runs.effort import effective_effort

ASK = UserTurn("Why?")
CALL: dict[str, Any] = {"type": "tool_use", "id": "a", "name": "find", "input": {}}
RESULT = ToolTurn((ToolResult("a", "find", "found"),))
BARE = {"type": "thinking", "thinking": "Plan it."}
SIGNED = {"type": "thinking", "thinking": "Plan it.", "signature": "3c5e"}
LAB = Host("lab", "Lab", "anthropic-messages", "http://lab.test")


def dialect(model: str, host: Host = LAB) -> Dialect:
    return bound(ConfiguredHost(with_dialect(host, "anthropic-messages")), model)


def own(to: Dialect, *content: dict[str, Any]) -> AssistantTurn:
    return AssistantTurn((), ProviderPayload(to.origin, msgspec.Raw(json.dumps(content).encode())))


def sent(to: Dialect, *turns: Turn, effort: Effort | None = None) -> Any:
    return json.loads(to.encode(ModelRequest(to.origin.model, turns, effort=effort)).body)


@pytest.mark.promise("P13")
@pytest.mark.parametrize("thought", [BARE, SIGNED, {"type": "redacted_thinking", "data": "eA=="}])
@pytest.mark.parametrize(
    "model", ["kimi-k2-thinking", "MiniMax-M2", "glm-4.7", "qwen3-32b", "something-new"]
)
def test_a_thought_inside_a_tool_loop_is_sent_back_without_a_requested_effort(
    model: str, thought: dict[str, Any]
) -> None:
    to = dialect(model)
    body = sent(to, ASK, own(to, thought, CALL), RESULT)
    assert body["messages"][1]["content"] == [thought, CALL]
    assert "thinking" not in body


@pytest.mark.parametrize(
    ("host", "model"),
    [("moonshot", "kimi-k2-thinking"), ("minimax", "MiniMax-M2"), ("zai", "glm-4.7")],
)
@pytest.mark.parametrize("effort", [None, "high"])
def test_the_thoughts_of_earlier_questions_are_sent_back_too(
    host: str, model: str, effort: Effort | None
) -> None:
    to = dialect(model, HOSTS[host])
    turns = (ASK, own(to, SIGNED, CALL), RESULT, own(to, BARE, {"type": "text", "text": "So."}))
    content = [m["content"] for m in sent(to, *turns, ASK, effort=effort)["messages"]]
    assert content[1] == [SIGNED, CALL]
    assert content[3] == [BARE, {"type": "text", "text": "So."}]


def test_a_thought_without_a_signature_of_an_unknown_model_is_sent_back_with_later_questions() -> (
    None
):
    to = dialect("something-new")
    body = sent(to, ASK, own(to, BARE, CALL), RESULT, own(to, SIGNED, CALL), RESULT, ASK)
    assert body["messages"][1]["content"] == [BARE, CALL]
    assert body["messages"][3]["content"] == [CALL]


def test_claude_gets_no_earlier_thought_back_without_a_requested_effort() -> None:
    to = dialect("claude-sonnet-4-5")
    body = sent(to, ASK, own(to, SIGNED, CALL), RESULT, ASK)
    assert body["messages"][1]["content"] == [CALL]


@pytest.mark.parametrize("model", ["kimi-k2.6", "glm-4.7", "something-new"])
def test_effort_none_sends_no_thought_back(model: str) -> None:
    to = dialect(model)
    body = sent(to, ASK, own(to, BARE, CALL), RESULT, effort="none")
    assert body["thinking"] == {"type": "disabled"}
    assert body["messages"][1]["content"] == [CALL]


@pytest.mark.parametrize("model", ["kimi-k2-thinking", "kimi-k3"])
def test_kimi_gets_a_thought_with_another_models_tool_call_too(model: str) -> None:
    call = ToolCallPart("a", "find", "{}")
    body = sent(dialect(model), ASK, AssistantTurn((ReasoningPart("Hm."), call)), RESULT)
    assert body["messages"][1]["content"][0] == {"type": "thinking", "thinking": "Hm."}
    plain = AssistantTurn((ReasoningPart("Hm."), AnswerPart("So.")))
    assert len(sent(dialect(model), ASK, plain, ASK)["messages"][1]["content"]) == 1


@pytest.mark.parametrize(
    ("host", "model"),
    [
        ("moonshot", "kimi-k2-thinking"),
        ("minimax", "MiniMax-M2"),
        ("zai", "glm-4.7"),
        ("zhipu", "glm-5.2"),
        ("deepseek", "deepseek-reasoner"),
    ],
)
@pytest.mark.parametrize("effort", ["low", "high"])
def test_an_effort_may_be_named_for_a_model_that_reasons(
    host: str, model: str, effort: Effort
) -> None:
    served = with_dialect(HOSTS[host], "anthropic-messages")
    info = model_info(ConfiguredHost(served), model, None)
    assert effective_effort(effort, None, info) == effort
    body = sent(dialect(model, served), ASK, effort=effort)
    assert body["thinking"]["type"] == "enabled"


def test_a_model_that_always_reasons_still_refuses_effort_none() -> None:
    info = model_info(ConfiguredHost(LAB), "kimi-k2-thinking", None)
    assert info.reasoning.efforts == ("low", "medium", "high")
