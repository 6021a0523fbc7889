"""Model names are matched to families, and no row of the tables offers what can't be sent."""

from collections.abc import Iterator

import pytest

from thinkaloud.events.prompt import ModelRequest, UserTurn
from thinkaloud.providers.catalogue import ConfiguredHost, bound
from thinkaloud.providers.families.table import RULES, UNKNOWN, family_of, plain_name
from thinkaloud.providers.hosts.host import BUILT_IN_DIALECTS, BuiltInDialect, Host, with_dialect
from thinkaloud.providers.hosts.table import HOSTS, host_at

FAMILIES = {
    "gpt-5-2025-08-07": "GPT-5",
    "gpt-5.5-2026-04-23": "GPT-5.4 to 5.6",
    "openai.gpt-5.6-luna": "GPT-5.4 to 5.6",
    "gpt-5.2": "GPT-5.2 and 5.3",
    "gpt-5.2-pro": "GPT-5.x Pro",
    "gpt-5.1-codex-max": "GPT-5.1 Codex Max",
    "gpt-5.3-chat-latest": "GPT-5.x Chat",
    "gpt-5-chat-latest": "GPT-5 Chat",
    "o1-mini": "o1-mini",
    "o3-mini-2025-01-31": "o3-mini",
    "o4-mini": "OpenAI o-series",
    "gpt-4.1-nano": "GPT-4.1",
    "gpt-4o-mini": "GPT-4o",
    "gpt-3.5-turbo": "GPT-4",
    "openai/gpt-oss-120b:free": "gpt-oss",
    "claude-3-haiku-20240307": "Claude 3",
    "claude-3-5-sonnet@20241022": "Claude 3",
    "anthropic/claude-3.7-sonnet:thinking": "Claude 3.7",
    "claude-opus-4-20250514": "Claude Opus 4",
    "claude-opus-4-1@20250805": "Claude Opus 4",
    "us.anthropic.claude-opus-4-1-20250805-v1:0": "Claude Opus 4",
    "claude-opus-4-5-20251101": "Claude 4 and 4.5",
    "claude-sonnet-4-0": "Claude 4 and 4.5",
    "claude-sonnet-4.5": "Claude 4 and 4.5",
    "claude-sonnet-4-6": "Claude 4.6",
    "claude-opus-4-7": "Claude 4.7 to 5",
    "claude-opus-4.8": "Claude 4.7 to 5",
    "claude-sonnet-5": "Claude 4.7 to 5",
    "claude-haiku-6": "Claude 4.7 to 5",
    "gemini-2.5-flash-lite": "Gemini 2.5 Flash-Lite",
    "gemini-2.5-flash-image": "Gemini 2.0",
    "gemini-3-pro-preview": "Gemini 3 Pro",
    "models/gemini-3.1-pro-preview": "Gemini 3.1 Pro",
    "grok-4-1-fast-non-reasoning": "Grok 3",
    "x-ai/grok-4.1-fast": "Grok 4 Fast",
    "grok-3-mini": "Grok 3 mini",
    "grok-4-0709": "Grok 4",
    "command-r-plus-08-2024": "Command",
    "eu.amazon.nova-2-lite-v1:0": "Nova 2",
    "us.amazon.nova-micro-v1:0": "Nova",
    "us.deepseek.r1-v1:0": "DeepSeek R1",
    "deepseek-r1-distill-llama-70b": "DeepSeek R1",
    "deepseek-chat": "DeepSeek V3",
    "deepseek/deepseek-chat-v3.1": "DeepSeek V3.1 and V3.2",
    "Qwen/Qwen3-0.6B": "Qwen3",
    "qwen-3-235b-a22b-instruct-2507": "Qwen3 Instruct",
    "qwen3-coder:30b": "Qwen3 Instruct",
    "qwen3-next-80b-a3b-thinking": "Qwen3 Thinking",
    "Qwen/Qwen3.5-397B-A17B-FP8": "Qwen3.5",
    "qwen2.5-coder": "Qwen 2.5",
    "moonshotai/Kimi-K2-Instruct": "Kimi K2",
    "kimi-k2-thinking-turbo": "Kimi K2 Thinking",
    "kimi-k2.7-code": "Kimi K2 Thinking",
    "zai-org/glm-4.7-flash": "GLM-4.7",
    "zai-glm-4.6": "GLM-4.5",
    "glm-4-plus": "GLM-4",
    "minimax/minimax-m2:free": "MiniMax M2",
    "mistral-small-2501": "Mistral",
    "open-mixtral-8x22b": "Mistral 7B",
    "gemma-7b-it": "open, without reasoning",
    "gemma-4-27b": "open hybrid",
    "gemma3:27b": "Llama 4 and Gemma 3",
    "meta.llama3-3-70b-instruct-v1:0": "open, without reasoning",
    "sonar-reasoning-pro": "Sonar Reasoning",
    "qvq-72b-preview": "QVQ",
    "Qwen3-VL-30B-A3B-Thinking": "Qwen3 VL Thinking",
    "step-3": "open reasoner",
    "something-new": "unknown",
}


@pytest.mark.parametrize(("name", "family"), FAMILIES.items())
def test_a_name_is_matched_to_its_family_on_every_host(name: str, family: str) -> None:
    assert family_of(HOSTS["vllm"], name).name == family


def test_every_family_has_a_tested_name() -> None:
    reached = {next(k.pattern for k in RULES if k.matches(plain_name(n))) for n in NAMES}
    assert {rule.pattern for rule in RULES} - reached == set()


NAMES = [
    *(name for name in FAMILIES if name != "something-new"),
    *("gpt-6-astra", "gpt-5-pro", "gpt-5-codex", "gpt-5.1", "gpt-5.1-codex-mini"),
    *("gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-flash-preview", "grok-4.3", "grok-4.5"),
    *("grok-code-fast-1", "command-a-plus-05-2026", "command-a-vision-07-2025", "titan-text"),
    *("sonar-deep-research", "sonar-pro", "deepseek-v4-pro", "qvq-72b", "qwen2.5-vl-7b"),
    *("kimi-k3", "kimi-k2.6", "kimi-k2.5", "glm-5.3", "glm-5.2", "glm-4.5v", "glm-z1-32b"),
    *(
        "minimax-m3",
        "minimax-text-01",
        "magistral-small",
        "mistral-large-4",
        "mistral-small-latest",
    ),
    *("seed-oss-36b", "granite-3.3-8b", "phi-4-reasoning"),
]


def everybody() -> Iterator[Host]:
    """Every known host as it speaks each of its wires, and a custom host in each API format."""
    for host in HOSTS.values():
        for dialect in (host.dialect, *host.also):
            yield with_dialect(host, dialect)
    for dialect in BUILT_IN_DIALECTS:
        yield Host("lab", "lab", dialect, "http://127.0.0.1:1", templates=True)


@pytest.mark.parametrize("host", list(everybody()), ids=lambda host: f"{host.name} {host.dialect}")
def test_every_effort_that_is_promised_can_be_sent_and_differs_from_the_others(host: Host) -> None:
    for model in [*NAMES, "something-new"]:
        family = family_of(host, model)
        dialect = bound(ConfiguredHost(host), model)
        efforts = [*family.efforts, *((3333,) if family.budget else ())]
        bodies = {
            dialect.encode(ModelRequest(model, (UserTurn("Hi"),), effort=effort)).body
            for effort in efforts
        }
        assert len(bodies) == len(efforts), model
        dialect.encode(ModelRequest(model, (UserTurn("Hi"),)))


@pytest.mark.parametrize("host", list(everybody()), ids=lambda host: f"{host.name} {host.dialect}")
def test_a_family_that_never_reasons_is_never_asked_to(host: Host) -> None:
    for model in NAMES:
        if family_of(host, model).reasons != "never":
            continue
        dialect = bound(ConfiguredHost(host), model)
        plain = dialect.encode(ModelRequest(model, (UserTurn("Hi"),))).body
        none = dialect.encode(ModelRequest(model, (UserTurn("Hi"),), effort="none")).body
        assert plain == none
        rest = plain.replace(model.encode(), b"")
        assert b"think" not in rest
        assert b"reasoning" not in rest


def test_models_that_always_reason_do_not_offer_effort_none() -> None:
    for host in everybody():
        for model in NAMES:
            family = family_of(host, model)
            assert family.reasons == "optional" or "none" not in family.efforts, (host.name, model)


@pytest.mark.parametrize(
    ("host", "dialect", "model", "shows"),
    [
        ("openai", "openai-responses", "gpt-5.5", "summary"),
        ("openai", "openai-chat", "gpt-5.5", "hidden"),
        ("openrouter", "openai-chat", "openai/gpt-5.5", "summary"),
        ("anthropic", "anthropic-messages", "claude-3-7-sonnet-latest", "text"),
        ("anthropic", "anthropic-messages", "claude-sonnet-5", "summary"),
        ("xai", "openai-responses", "grok-4-0709", "hidden"),
        ("vllm", "openai-chat", "gpt-4.1-like", "nothing"),
        ("deepseek", "openai-chat", "deepseek-v4-flash", "text"),
    ],
)
def test_a_family_declares_which_reasoning_a_host_shows(
    host: str, dialect: BuiltInDialect, model: str, shows: str
) -> None:
    assert family_of(with_dialect(HOSTS[host], dialect), model).shows == shows


def test_of_an_unknown_model_the_common_levels_and_text_are_assumed() -> None:
    family = family_of(Host("lab", "lab", "openai-chat", "http://127.0.0.1:1"), "something-new")
    assert (family.reasons, family.shows) == ("optional", "text")
    assert family.efforts == UNKNOWN.efforts == ("none", "low", "medium", "high")


def test_no_known_host_is_confused_with_another_by_its_address() -> None:
    for host in HOSTS.values():
        if host.local or "{" in host.base_url:
            continue
        found = host_at(host.base_url)
        assert found is not None
        assert found.name == host.name
