"""The request fields of each effort, by host and family."""

from typing import Any

import msgspec
import pytest

from thinkaloud.errors import UnsupportedEffort
from thinkaloud.events.prompt import Effort, ModelRequest, UserTurn
from thinkaloud.providers.catalogue import ConfiguredHost, bound, model_info
from thinkaloud.providers.hosts.host import BuiltInDialect, Host, with_dialect
from thinkaloud.providers.hosts.table import HOSTS
from thinkaloud.runtime.runs.effort import effective_effort

LAB = Host("lab", "lab", "openai-chat", "http://127.0.0.1:1/v1", templates=True)
ALWAYS_THERE = {
    *("model", "messages", "input", "contents", "stream", "stream_options", "store"),
    *("max_tokens", "inferenceConfig", "include", "api_revision"),
}
ENABLED = {"thinking": {"type": "enabled"}}
DISABLED = {"thinking": {"type": "disabled"}}
GOOGLE = "generationConfig"
BEDROCK = "additionalModelRequestFields"


def asked(host: Host, model: str, effort: Effort | None) -> dict[str, Any]:
    """Return the request's fields for this effort."""
    dialect = bound(ConfiguredHost(host), model)
    body = dialect.encode(ModelRequest(model, (UserTurn("Hi"),), effort=effort)).body
    members = msgspec.json.decode(body, type=dict[str, Any])
    return {name: value for name, value in members.items() if name not in ALWAYS_THERE}


def named(host: str, dialect: BuiltInDialect | None = None) -> Host:
    found = LAB if host == "lab" else HOSTS[host]
    return with_dialect(found, dialect or found.dialect)


# host, model, effort, fields of the request
GOLDEN: list[tuple[str, str, Effort | None, dict[str, Any]]] = [
    ("openai", "gpt-5.5", None, {"reasoning": {"summary": "auto"}}),
    ("openai", "gpt-5.5", "none", {"reasoning": {"effort": "none"}}),
    ("openai", "gpt-5.5", "xhigh", {"reasoning": {"effort": "xhigh", "summary": "auto"}}),
    ("openai", "gpt-5", "minimal", {"reasoning": {"effort": "minimal", "summary": "auto"}}),
    ("openai", "gpt-4.1", "none", {}),
    ("openai", "gpt-4.1", None, {}),
    ("openai", "gpt-5-chat-latest", "none", {}),
    ("azure", "gpt-5-mini", "high", {"reasoning": {"effort": "high", "summary": "auto"}}),
    ("xai", "grok-4.3", "none", {"reasoning": {"effort": "none"}}),
    ("xai", "grok-4.3", "medium", {"reasoning": {"effort": "medium"}}),
    ("xai", "grok-code-fast-1", None, {}),
    (
        "anthropic",
        "claude-opus-4-7",
        None,
        {"thinking": {"type": "adaptive", "display": "summarized"}},
    ),
    (
        "anthropic",
        "claude-sonnet-5",
        "max",
        {
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": "max"},
        },
    ),
    ("anthropic", "claude-sonnet-5", "none", DISABLED),
    (
        "anthropic",
        "claude-opus-4-6",
        "high",
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
    ),
    (
        "anthropic",
        "claude-opus-4-6",
        4000,
        {"thinking": {"type": "enabled", "budget_tokens": 4000}},
    ),
    (
        "anthropic",
        "claude-sonnet-4-5",
        "low",
        {"thinking": {"type": "enabled", "budget_tokens": 2048}},
    ),
    (
        "anthropic",
        "claude-sonnet-4-5",
        100,
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    ),
    ("anthropic", "claude-sonnet-4-5", None, {}),
    ("anthropic", "claude-3-5-haiku-latest", "none", {}),
    (
        "google",
        "gemini-2.5-flash",
        "none",
        {GOOGLE: {"thinkingConfig": {"includeThoughts": False, "thinkingBudget": 0}}},
    ),
    (
        "google",
        "gemini-2.5-pro",
        "low",
        {GOOGLE: {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 2048}}},
    ),
    (
        "google",
        "gemini-2.5-pro",
        500,
        {GOOGLE: {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 500}}},
    ),
    (
        "google",
        "gemini-3-flash-preview",
        "minimal",
        {GOOGLE: {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "minimal"}}},
    ),
    ("google", "gemini-2.0-flash", None, {}),
    (
        "vertex",
        "gemini-3-pro-preview",
        "high",
        {GOOGLE: {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "high"}}},
    ),
    ("openrouter", "anthropic/claude-sonnet-5", "high", {"reasoning": {"effort": "high"}}),
    ("openrouter", "anthropic/claude-sonnet-5", 3000, {"reasoning": {"max_tokens": 3000}}),
    ("openrouter", "qwen/qwen3-32b", "none", {"reasoning": {"effort": "none"}}),
    ("openrouter", "openai/gpt-4.1", "none", {}),
    ("openrouter", "openrouter/auto", "xhigh", {"reasoning": {"effort": "xhigh"}}),
    ("vercel", "openai/gpt-5", None, {"reasoning": {"enabled": True}}),
    ("vercel", "openai/gpt-5", "low", {"reasoning": {"enabled": True, "effort": "low"}}),
    ("deepseek", "deepseek-v4-flash", "none", DISABLED),
    ("deepseek", "deepseek-v4-flash", "max", {**ENABLED, "reasoning_effort": "max"}),
    ("deepseek", "deepseek-chat", "none", {}),
    ("mistral", "mistral-medium-latest", "high", {"reasoning_effort": "high"}),
    ("mistral", "mistral-small-latest", "none", {"reasoning_effort": "none"}),
    ("mistral", "mistral-large-4", "low", {"reasoning_effort": "low"}),
    ("mistral", "magistral-medium-latest", None, {}),
    ("mistral", "codestral-latest", "none", {}),
    (
        "groq",
        "openai/gpt-oss-120b",
        "low",
        {"include_reasoning": True, "reasoning_effort": "low"},
    ),
    ("groq", "qwen/qwen3-32b", "none", {"reasoning_effort": "none"}),
    (
        "groq",
        "qwen/qwen3-32b",
        "high",
        {"reasoning_format": "parsed", "reasoning_effort": "default"},
    ),
    ("groq", "llama-3.3-70b-versatile", None, {}),
    ("groq", "compound-beta", None, {}),
    ("cerebras", "gpt-oss-120b", "high", {"reasoning_effort": "high"}),
    ("cerebras", "zai-glm-4.7", "none", {"reasoning_effort": "none"}),
    ("cerebras", "zai-glm-4.7", "high", {}),
    ("cohere", "command-a-plus-05-2026", "none", DISABLED),
    (
        "cohere",
        "command-a-reasoning-08-2025",
        "low",
        {"thinking": {"type": "enabled", "token_budget": 2048}},
    ),
    ("cohere", "command-a-reasoning-08-2025", "high", ENABLED),
    ("cohere", "command-a-03-2025", "none", {}),
    ("moonshot", "kimi-k2.5", "none", DISABLED),
    ("moonshot", "kimi-k2.5", "high", ENABLED),
    ("moonshot", "kimi-k2.6", "high", {"thinking": {"type": "enabled", "keep": "all"}}),
    ("moonshot", "kimi-k3", "max", {"reasoning_effort": "max"}),
    ("moonshot", "kimi-k2-thinking", None, {}),
    ("zai", "glm-4.6", "high", ENABLED),
    ("zai", "glm-4.7", "high", {"thinking": {"type": "enabled", "clear_thinking": False}}),
    ("zhipu", "glm-4.7", "none", DISABLED),
    (
        "zai",
        "glm-5.3",
        "max",
        {
            "thinking": {"type": "enabled", "clear_thinking": False},
            "reasoning_effort": "max",
        },
    ),
    ("dashscope", "qwen3-max", "none", {"enable_thinking": False}),
    ("dashscope", "qwen3-max", "low", {"enable_thinking": True, "thinking_budget": 2048}),
    ("dashscope", "qwen3-max", 777, {"enable_thinking": True, "thinking_budget": 777}),
    ("minimax", "MiniMax-M2", None, {"reasoning_split": True}),
    ("minimax", "MiniMax-M3", "none", DISABLED),
    (
        "minimax",
        "MiniMax-M3",
        "high",
        {"reasoning_split": True, "thinking": {"type": "adaptive"}},
    ),
    ("together", "zai-org/GLM-4.6", "none", {"reasoning": {"enabled": False}}),
    ("together", "openai/gpt-oss-20b", "low", {"reasoning_effort": "low"}),
    ("fireworks", "accounts/fireworks/models/gpt-oss-120b", "low", {"reasoning_effort": "low"}),
    ("perplexity", "sonar-deep-research", "high", {"reasoning_effort": "high"}),
    ("perplexity", "sonar", "none", {}),
    ("huggingface", "openai/gpt-oss-120b:groq", "low", {"reasoning_effort": "low"}),
    ("venice", "qwen3-5-9b", "none", {"venice_parameters": {"disable_thinking": True}}),
    (
        "bedrock",
        "us.amazon.nova-2-lite-v1:0",
        "none",
        {BEDROCK: {"reasoningConfig": {"type": "disabled"}}},
    ),
    (
        "bedrock",
        "us.amazon.nova-2-lite-v1:0",
        "low",
        {BEDROCK: {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}},
    ),
    (
        "bedrock",
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "low",
        {BEDROCK: {"thinking": {"type": "enabled", "budget_tokens": 2048}}},
    ),
    (
        "bedrock",
        "global.anthropic.claude-opus-4-6-v1",
        "max",
        {BEDROCK: {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}},
    ),
    ("bedrock", "openai.gpt-oss-20b-1:0", "high", {BEDROCK: {"reasoning_effort": "high"}}),
    ("bedrock", "qwen.qwen3-32b-v1:0", "high", {BEDROCK: {"reasoning_config": "high"}}),
    ("bedrock", "us.deepseek.r1-v1:0", None, {}),
    ("bedrock", "us.meta.llama4-scout-17b-instruct-v1:0", "none", {}),
    ("ollama", "qwen3:4b", "none", {"think": False}),
    ("ollama", "qwen3:4b", "high", {"think": True}),
    ("ollama", "gpt-oss:20b", "medium", {"think": "medium"}),
    ("ollama", "llama3.3", "none", {}),
    ("ollama", "something-new", "none", {"think": False}),
    ("vllm", "Qwen/Qwen3-4B", "none", {"chat_template_kwargs": {"enable_thinking": False}}),
    ("sglang", "Qwen/Qwen3-4B", "high", {"chat_template_kwargs": {"enable_thinking": True}}),
    ("llamacpp", "deepseek-v3.1", "high", {"chat_template_kwargs": {"thinking": True}}),
    ("vllm", "openai/gpt-oss-20b", "low", {"reasoning_effort": "low"}),
    ("lmstudio", "openai/gpt-oss-20b", "low", {"reasoning_effort": "low"}),
    ("lab", "Qwen3-1.7B-Q4_K_M.gguf", "none", {"chat_template_kwargs": {"enable_thinking": False}}),
    ("lab", "something-new", "medium", {"reasoning_effort": "medium"}),
    ("lab", "seed-oss-36b", "low", {"chat_template_kwargs": {"thinking_budget": 1024}}),
]


@pytest.mark.parametrize(("host", "model", "effort", "expected"), GOLDEN)
def test_effort_is_encoded_as_the_host_requires(
    host: str, model: str, effort: Effort | None, expected: dict[str, Any]
) -> None:
    info = model_info(ConfiguredHost(named(host)), model, None)
    assert effective_effort(effort, None, info) == effort
    assert asked(named(host), model, effort) == expected


@pytest.mark.parametrize(
    ("host", "dialect", "model", "effort", "expected"),
    [
        ("openai", "openai-chat", "gpt-5", "low", {"reasoning_effort": "low"}),
        ("openai", "openai-chat", "gpt-4o", "none", {}),
        (
            "deepseek",
            "anthropic-messages",
            "deepseek-v4-pro",
            "high",
            {**ENABLED, "output_config": {"effort": "high"}},
        ),
        (
            "deepseek",
            "openai-responses",
            "deepseek-v4-pro",
            "none",
            {"reasoning": {"effort": "none"}},
        ),
        (
            "openrouter",
            "openai-responses",
            "openai/gpt-5",
            2000,
            {"reasoning": {"max_tokens": 2000, "summary": "auto"}},
        ),
        (
            "google",
            "google-interactions",
            "gemini-3-flash-preview",
            "low",
            {"generation_config": {"thinking_summaries": "auto", "thinking_level": "low"}},
        ),
        (
            "google",
            "openai-chat",
            "gemini-3-flash-preview",
            "low",
            {
                "extra_body": {
                    "google": {
                        "thinking_config": {"include_thoughts": True, "thinking_level": "low"}
                    }
                }
            },
        ),
        ("xai", "openai-chat", "grok-3-mini", "low", {"reasoning_effort": "low"}),
    ],
)
def test_effort_is_encoded_as_the_hosts_other_dialects_require(
    host: str, dialect: BuiltInDialect, model: str, effort: Effort, expected: dict[str, Any]
) -> None:
    assert asked(named(host, dialect), model, effort) == expected


@pytest.mark.parametrize(
    ("host", "model", "effort", "valid"),
    [
        ("openai", "gpt-5", "none", ("minimal", "low", "medium", "high")),
        ("openai", "gpt-5.5", "minimal", ("none", "low", "medium", "high", "xhigh")),
        ("openai", "gpt-4.1", "low", ()),
        ("anthropic", "claude-opus-4-6", "xhigh", ("none", "low", "medium", "high", "max")),
        ("anthropic", "claude-opus-4-8", 5000, ("none", "low", "medium", "high", "xhigh", "max")),
        ("google", "gemini-3-pro-preview", "medium", ("low", "high")),
        ("mistral", "mistral-small-latest", "low", ("none", "high")),
        ("mistral", "magistral-small-latest", "high", ()),
        ("xai", "grok-code-fast-1", "low", ()),
        ("xai", "grok-4.5", "none", ("low", "medium", "high")),
        ("groq", "openai/gpt-oss-20b", "none", ("low", "medium", "high")),
        ("moonshot", "kimi-k3", "none", ("low", "high", "max")),
        ("bedrock", "openai.gpt-oss-20b-1:0", "none", ("low", "medium", "high")),
        ("ollama", "qwen3:4b", "medium", ("none", "high")),
        ("huggingface", "Qwen/Qwen3-32B", "high", ()),
        ("openrouter", "openai/o3", "none", ("minimal", "low", "medium", "high", "xhigh")),
    ],
)
def test_an_effort_that_a_model_does_not_have_is_refused_with_those_it_has(
    host: str, model: str, effort: Effort, valid: tuple[str, ...]
) -> None:
    info = model_info(ConfiguredHost(named(host)), model, None)
    with pytest.raises(UnsupportedEffort) as caught:
        effective_effort(effort, None, info)
    assert caught.value.valid == valid
