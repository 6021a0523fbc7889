"""What a principal may do."""

import pytest

from thinkaloud.ports.principal import Principal, ReasoningPolicy, strictest


@pytest.mark.parametrize(
    ("patterns", "model", "allowed"),
    [
        ((), "openai/gpt-5", True),
        (("openai/*",), "openai/gpt-5", True),
        (("openai/*",), "OpenAI/gpt-5", False),
        (("demo/*", "openai/gpt-5"), "openai/gpt-5-mini", False),
    ],
)
def test_a_key_may_use_the_models_that_match_one_of_its_patterns(
    patterns: tuple[str, ...], model: str, allowed: bool
) -> None:
    assert Principal("ana", models=patterns).may_use(model) is allowed


@pytest.mark.parametrize(
    ("policies", "result"),
    [
        ((), "allow"),
        (("allow", "allow"), "allow"),
        (("redact", "allow"), "redact"),
        (("allow", "deny", "redact"), "deny"),
    ],
)
def test_the_strictest_reasoning_policy_wins(
    policies: tuple[ReasoningPolicy, ...], result: ReasoningPolicy
) -> None:
    assert strictest(*policies) == result
