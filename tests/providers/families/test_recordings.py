"""Recorded responses agree with the tables of hosts and families."""

import pytest

from tests.corpus import CORPUS, Case, cases
from thinkaloud.providers.families.table import family_of
from thinkaloud.providers.hosts.host import BuiltInDialect, Host, with_dialect
from thinkaloud.providers.hosts.table import HOSTS

WIRES: dict[str, BuiltInDialect] = {
    "openai-chat": "openai-chat",
    "openai-chat-inline": "openai-chat",
    "openai-responses": "openai-responses",
    "anthropic-messages": "anthropic-messages",
    "bedrock-converse": "bedrock-converse",
    "bedrock-converse-inline": "bedrock-converse",
    "google-generatecontent": "google-generate",
    "google-interactions": "google-interactions",
    "cohere-v2": "cohere-chat",
    "ollama-native": "ollama-chat",
}
PLACES = {
    "alibaba-dashscope": "dashscope",
    "azure-anthropic": "azure",
    "azure-openai-chat": "azure",
    "azure-openai-responses": "azure",
    "bedrock-openai-chat": "bedrock",
    "bedrock-mantle": "bedrock",
    "copilot-responses": "copilot",
    "deepseek-responses": "deepseek",
    "google-ai": "google",
    "google-interactions": "google",
    "lmstudio-responses": "lmstudio",
    "ollama-anthropic": "ollama",
    "ollama-native": "ollama",
    "ollama-v1": "ollama",
    "openai-chat": "openai",
    "openai-responses": "openai",
    "openrouter-responses": "openrouter",
    "vercel-gateway": "vercel",
    "xai-chat": "xai",
    "xai-responses": "xai",
}


def host_of(name: str, dialect: BuiltInDialect) -> Host:
    place = name.partition("/")[0]
    known = HOSTS.get(PLACES.get(place, place))
    if known is None:
        return Host("lab", "lab", dialect, "http://127.0.0.1:1", templates=True)
    return with_dialect(known, dialect)


def has_reasoning(name: str) -> bool:
    """Whether a recording has reasoning, as text or only as a count."""
    expected = Case(name).expected
    return bool(expected["reasoning"] or expected["reasoning_tokens"])


NAMES = [name for name in cases(*WIRES) if has_reasoning(name)]


@pytest.mark.skipif(CORPUS is None, reason="the recorded provider streams are not on this machine")
@pytest.mark.parametrize("name", NAMES or ["absent/absent"])
def test_recorded_reasoning_models_are_known_to_reason(name: str) -> None:
    case = Case(name)
    dialect = WIRES[case.meta["wire_family"]]
    family = family_of(host_of(name, dialect), case.meta["model"] or "")
    assert family.reasons != "never"
    if case.expected["reasoning"]:
        assert family.shows in {"text", "summary"}
