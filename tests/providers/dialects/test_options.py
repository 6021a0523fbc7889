"""How temperature, stop sequences and other options are sent to each provider."""

from typing import Any

import msgspec
import pytest

from tests.providers.requests import FIND, body, request
from tests.providers.targets import bound
from thinkaloud.events.prompt import ModelOptions, NamedTool, ResponseFormat
from thinkaloud.providers.hosts.host import BuiltInDialect

SCHEMA: dict[str, object] = {"type": "object", "required": ["a"]}
ALL = ModelOptions(
    temperature=1.5,
    top_p=0.9,
    top_k=40,
    stop=("END",),
    seed=7,
    presence_penalty=0.1,
    frequency_penalty=0.2,
    response_format=ResponseFormat(SCHEMA, "thing", strict=True),
    tool_choice=NamedTool("find"),
    parallel_tool_calls=False,
)
NAMED_SCHEMA = {"name": "thing", "schema": SCHEMA, "strict": True}
EXPECTED: dict[BuiltInDialect, dict[str, object]] = {
    "openai-chat": {
        "temperature": 1.5,
        "top_p": 0.9,
        "top_k": 40,
        "stop": ["END"],
        "seed": 7,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "response_format": {"type": "json_schema", "json_schema": NAMED_SCHEMA},
        "tool_choice": {"type": "function", "function": {"name": "find"}},
        "parallel_tool_calls": False,
    },
    "openai-responses": {
        "temperature": 1.5,
        "top_p": 0.9,
        "text": {"format": {"type": "json_schema", **NAMED_SCHEMA}},
        "tool_choice": {"type": "function", "name": "find"},
        "parallel_tool_calls": False,
    },
    "anthropic-messages": {
        "temperature": 1.0,
        "top_p": 0.9,
        "top_k": 40,
        "stop_sequences": ["END"],
        "tool_choice": {"type": "tool", "name": "find", "disable_parallel_tool_use": True},
    },
    "google-generate": {
        "generationConfig.temperature": 1.5,
        "generationConfig.topP": 0.9,
        "generationConfig.topK": 40,
        "generationConfig.stopSequences": ["END"],
        "generationConfig.seed": 7,
        "generationConfig.presencePenalty": 0.1,
        "generationConfig.frequencyPenalty": 0.2,
        "generationConfig.responseMimeType": "application/json",
        "generationConfig.responseJsonSchema": SCHEMA,
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["find"]}},
    },
    "google-interactions": {
        "generation_config.temperature": 1.5,
        "generation_config.top_p": 0.9,
        "generation_config.seed": 7,
        "generation_config.stop_sequences": ["END"],
    },
    "bedrock-converse": {
        "inferenceConfig.temperature": 1.5,
        "inferenceConfig.topP": 0.9,
        "inferenceConfig.stopSequences": ["END"],
        "toolConfig.toolChoice": {"tool": {"name": "find"}},
    },
    "cohere-chat": {
        "temperature": 1.5,
        "p": 0.9,
        "k": 40,
        "stop_sequences": ["END"],
        "seed": 7,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "response_format": {"type": "json_object", "json_schema": SCHEMA},
    },
    "ollama-chat": {
        "options.temperature": 1.5,
        "options.top_p": 0.9,
        "options.top_k": 40,
        "options.stop": ["END"],
        "options.seed": 7,
        "options.presence_penalty": 0.1,
        "options.frequency_penalty": 0.2,
        "format": SCHEMA,
    },
}


def at(sent: Any, path: str) -> object:
    """The value at a dotted path of a body."""
    for name in path.split("."):
        sent = sent[name]
    return sent


def sent_by(dialect: BuiltInDialect, options: ModelOptions, **more: Any) -> Any:
    return body(bound(dialect).encode(request(options=options, **more)))


@pytest.mark.parametrize("dialect", EXPECTED)
def test_a_provider_gets_the_options_that_its_api_has(dialect: BuiltInDialect) -> None:
    sent = sent_by(dialect, ALL, tools=(FIND,))
    for path, value in EXPECTED[dialect].items():
        assert at(sent, path) == value, path


@pytest.mark.parametrize("dialect", EXPECTED)
def test_a_request_without_options_is_unchanged(dialect: BuiltInDialect) -> None:
    sent = sent_by(dialect, ModelOptions(), tools=(FIND,))
    text = msgspec.json.encode(sent).decode().lower()
    for word in ("temperature", "top", "stop", "seed", "penalty", "format", "choice"):
        assert word not in text, word


@pytest.mark.parametrize("dialect", EXPECTED)
def test_the_choice_of_a_tool_is_not_sent_without_tools(dialect: BuiltInDialect) -> None:
    sent = sent_by(dialect, ModelOptions(tool_choice="required", parallel_tool_calls=False))
    text = msgspec.json.encode(sent).decode().lower()
    assert "choice" not in text
    assert "toolconfig" not in text


@pytest.mark.parametrize(
    ("dialect", "path", "none", "required"),
    [
        ("openai-chat", "tool_choice", "none", "required"),
        ("openai-responses", "tool_choice", "none", "required"),
        ("anthropic-messages", "tool_choice.type", "none", "any"),
        ("google-generate", "toolConfig.functionCallingConfig.mode", "NONE", "ANY"),
        ("cohere-chat", "tool_choice", "NONE", "REQUIRED"),
    ],
)
def test_tools_can_be_forbidden_and_required(
    dialect: BuiltInDialect, path: str, none: str, required: str
) -> None:
    assert at(sent_by(dialect, ModelOptions(tool_choice="none"), tools=(FIND,)), path) == none
    demanded = sent_by(dialect, ModelOptions(tool_choice="required"), tools=(FIND,))
    assert at(demanded, path) == required


def test_claude_gets_no_sampling_and_no_forced_tool_while_it_thinks() -> None:
    sent = sent_by("anthropic-messages", ALL, tools=(FIND,), effort="high")
    assert "temperature" not in sent
    assert "top_p" not in sent
    assert sent["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert sent["stop_sequences"] == ["END"]
