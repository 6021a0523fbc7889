"""Families that are only served by their makers and the big clouds.

Sources: OpenAI, "Reasoning models" and the model pages; Anthropic, "Extended thinking", "Adaptive
thinking" and "Effort"; Google, "Gemini thinking"; xAI, "Reasoning"; Cohere, "Reasoning"; Amazon,
"Nova 2 extended thinking"; Perplexity, "Models".
"""

from typing import Final

from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.families.rule import FamilyRule, HostOverride
from thinkaloud.providers.target import Family, Reasons, Shows

Levels = tuple[EffortLevel, ...]

GATEWAYS: Final = ("openrouter", "vercel")
_LMH: Final[Levels] = ("low", "medium", "high")
_NONE_LMH: Final[Levels] = ("none", *_LMH)
_TO_XHIGH: Final[Levels] = (*_LMH, "xhigh")

_CHAT_HIDES: Final = (
    HostOverride(hosts=GATEWAYS),
    HostOverride("openai-chat", shows="hidden"),
)


def _openai(
    pattern: str,
    name: str,
    efforts: Levels,
    window: int,
    *,
    reasons: Reasons = "always",
    images: bool = True,
) -> FamilyRule:
    family = Family(
        name,
        reasons=reasons,
        shows="summary",
        efforts=efforts,
        images=images,
        max_tokens=window,
        max_output_tokens=100_000 if window == 200_000 else 128_000,
    )
    return FamilyRule(pattern, family, _CHAT_HIDES)


def _plain(
    pattern: str, name: str, window: int | None = None, *, images: bool = False
) -> FamilyRule:
    """Return a family that never reasons."""
    return FamilyRule(pattern, Family(name, images=images, max_tokens=window))


OPENAI: Final = (
    _openai(r"gpt-[6-9]", "GPT-6", _TO_XHIGH, 1_050_000),
    _openai(r"gpt-5[.-]\d-pro", "GPT-5.x Pro", ("medium", "high", "xhigh"), 400_000),
    _openai(r"gpt-5[.-]\d-chat", "GPT-5.x Chat", ("medium",), 128_000),
    _openai(
        r"gpt-5[.-][4-9](?!\d)",
        "GPT-5.4 to 5.6",
        ("none", *_TO_XHIGH),
        1_050_000,
        reasons="optional",
    ),
    _openai(
        r"gpt-5[.-][23](?!\d)", "GPT-5.2 and 5.3", ("none", *_TO_XHIGH), 400_000, reasons="optional"
    ),
    _openai(r"gpt-5[.-]1-codex-max", "GPT-5.1 Codex Max", _TO_XHIGH, 400_000),
    _openai(r"gpt-5[.-]1-codex", "GPT-5.1 Codex", _LMH, 400_000),
    _openai(r"gpt-5[.-]1(?!\d)", "GPT-5.1", _NONE_LMH, 400_000, reasons="optional"),
    _plain(r"gpt-5-chat", "GPT-5 Chat", 128_000, images=True),
    _openai(r"gpt-5-pro", "GPT-5 Pro", ("high",), 400_000),
    _openai(r"gpt-5-codex", "GPT-5 Codex", _LMH, 400_000),
    _openai(r"gpt-5", "GPT-5", ("minimal", *_LMH), 400_000),
    _openai(r"o1-(mini|preview)", "o1-mini", (), 128_000, images=False),
    _openai(r"o[13]-mini", "o3-mini", _LMH, 200_000, images=False),
    _openai(r"o[1-9](-|$)|codex-mini", "OpenAI o-series", _LMH, 200_000),
    _plain(r"gpt-4[.]1", "GPT-4.1", 1_047_576, images=True),
    _plain(r"(chat)?gpt-4o|gpt-4-turbo|gpt-4[.]5", "GPT-4o", 128_000, images=True),
    _plain(r"gpt-(4|3[.]5|35)", "GPT-4"),
)

_ALL_LEVELS: Final[Levels] = ("none", *_TO_XHIGH, "max")
_BUDGETED: Final[Levels] = ("none", "minimal", *_TO_XHIGH)


# Quirks for the Messages API; Converse has equivalent ones.
_BUDGET: Final[dict[str, object]] = {"thinking": "budget"}
_INTERLEAVED: Final[dict[str, object]] = {"thinking": "budget", "interleaved": True}
_ADAPTIVE: Final[dict[str, object]] = {"thinking": "adaptive"}
# Claude 4.6 accepts both, and returns its thinking without being asked.
_EITHER: Final[dict[str, object]] = {"thinking": "adaptive", "display": None}


def _claude(
    pattern: str,
    name: str,
    efforts: Levels,
    output: int,
    asked: dict[str, object],
    shows: Shows = "summary",
) -> FamilyRule:
    converse = {name: value for name, value in asked.items() if name != "thinking"}
    converse |= {"reasoning": f"claude-{asked['thinking']}", "tool_status": True}
    family = Family(
        name,
        reasons="optional",
        shows=shows,
        efforts=efforts,
        budget=None if asked is _ADAPTIVE else (1024, output - 1),
        images=True,
        max_tokens=200_000,
        max_output_tokens=output,
    )
    return FamilyRule(
        pattern,
        family,
        (
            HostOverride("anthropic-messages", quirks=asked),
            HostOverride("bedrock-converse", quirks=converse),
            HostOverride(hosts=GATEWAYS),
            HostOverride("openai-chat", efforts=_NONE_LMH),
        ),
    )


ANTHROPIC: Final = (
    FamilyRule(
        r"claude-(instant|2|3[.-]5|3-(opus|sonnet|haiku)|(opus|haiku|sonnet)-3)",
        Family("Claude 3", images=True),
    ),
    _claude(r"claude-3[.-]7", "Claude 3.7", _BUDGETED, 64_000, _BUDGET, "text"),
    _claude(
        r"claude-(sonnet|opus|haiku)-4[.-]6", "Claude 4.6", ("none", *_LMH, "max"), 64_000, _EITHER
    ),
    _claude(
        r"claude-((sonnet|haiku)-4|opus-4[.-]5|4-sonnet)",
        "Claude 4 and 4.5",
        _BUDGETED,
        64_000,
        _INTERLEAVED,
    ),
    _claude(
        r"claude-(opus-4([.-][01])?([@:-](?!\d(\D|$))|$)|4-opus)",
        "Claude Opus 4",
        _BUDGETED,
        32_000,
        _INTERLEAVED,
    ),
    _claude(r"claude-", "Claude 4.7 to 5", _ALL_LEVELS, 128_000, _ADAPTIVE),
)

_SIGNATURE: Final = "skip_thought_signature_validator"
_CONFIG: Final = "extra_body.google.thinking_config"
_THOUGHTS: Final = {"extra_body": {"google": {"thinking_config": {"include_thoughts": True}}}}
_NO_THOUGHTS: Final = {"extra_body": {"google": {"thinking_config": {"thinking_budget": 0}}}}


def _gemini(pattern: str, name: str, efforts: Levels, budget: tuple[int, int] | None) -> FamilyRule:
    """Return a Gemini family: 2.5, which takes a budget, or 3, which takes a level."""
    family = Family(
        name,
        reasons="optional" if "none" in efforts else "always",
        shows="summary",
        efforts=efforts,
        budget=budget,
        images=True,
        max_tokens=1_048_576,
        max_output_tokens=65_536,
    )
    chat: dict[str, object]
    if budget is None:
        native: dict[str, object] = {"foreign_signature": _SIGNATURE}
        chat = {
            "effort": {"level_field": f"{_CONFIG}.thinking_level", "shown": _THOUGHTS},
            "foreign_tool_call": {
                "extra_content": {"google": {"thought_signature": _SIGNATURE}},
            },
        }
    else:
        native = {"thinking": "budget"}
        chat = {
            "effort": {
                "level_field": None,
                "budget_field": f"{_CONFIG}.thinking_budget",
                "levels": {"low": 2048, "medium": 8192, "high": 16384},
                "shown": _THOUGHTS,
                "off": _NO_THOUGHTS,
            }
        }
    return FamilyRule(
        pattern,
        family,
        (
            HostOverride("google-generate", quirks=native),
            HostOverride(
                "google-interactions",
                quirks={} if budget is not None else {"foreign_signature": _SIGNATURE},
            ),
            HostOverride("openai-chat", ("google",), quirks=chat),
        ),
    )


GOOGLE: Final = (
    _plain(
        r"gemini-.*image|gemini-(1|2[.]0)|learnlm|gemini-pro", "Gemini 2.0", 1_048_576, images=True
    ),
    _gemini(r"gemini-2[.]5-pro", "Gemini 2.5 Pro", _LMH, (128, 32_768)),
    _gemini(r"gemini-2[.]5-flash-lite", "Gemini 2.5 Flash-Lite", _NONE_LMH, (512, 24_576)),
    _gemini(r"gemini-2[.]5|gemini-flash", "Gemini 2.5 Flash", _NONE_LMH, (1, 24_576)),
    _gemini(r"gemini-3-pro", "Gemini 3 Pro", ("low", "high"), None),
    _gemini(r"gemini-\d.*pro", "Gemini 3.1 Pro", _LMH, None),
    _gemini(r"gemini-\d", "Gemini 3 Flash", ("minimal", *_LMH), None),
)


def _grok(
    pattern: str, name: str, efforts: Levels, shows: Shows, window: int, *, images: bool = False
) -> FamilyRule:
    reasons: Reasons = "optional" if "none" in efforts else "always"
    family = Family(
        name, reasons=reasons, shows=shows, efforts=efforts, images=images, max_tokens=window
    )
    return FamilyRule(pattern, family)


XAI: Final = (
    _plain(r"grok.*non-reasoning|grok-(2|3(?!-mini)|beta|vision)", "Grok 3", 131_072),
    _grok(r"grok-3-mini", "Grok 3 mini", ("low", "high"), "text", 131_072),
    _grok(r"grok-(code|build)", "Grok Code", (), "text", 256_000),
    _grok(r"grok-(4[.-]3|latest)", "Grok 4.3", _NONE_LMH, "text", 1_000_000, images=True),
    _grok(r"grok-(4[.-][5-9]|[5-9])", "Grok 4.5", _LMH, "text", 1_000_000, images=True),
    FamilyRule(
        r"grok-4([.-]1)?-fast",
        Family("Grok 4 Fast", reasons="always", shows="hidden", images=True, max_tokens=2_000_000),
        (HostOverride(hosts=GATEWAYS, reasons="optional", shows="summary", efforts=_NONE_LMH),),
    ),
    _grok(r"grok", "Grok 4", (), "hidden", 256_000, images=True),
)

_COHERE_BUDGETS: Final = HostOverride(
    "cohere-chat", quirks={"budgets": {"low": 2048, "medium": 8192}}
)

COHERE: Final = (
    FamilyRule(
        r"command-a-(reasoning|plus)",
        Family(
            "Command A Reasoning",
            reasons="optional",
            shows="text",
            efforts=_NONE_LMH,
            budget=(1, 31_000),
            max_tokens=256_000,
            max_output_tokens=32_000,
        ),
        (_COHERE_BUDGETS,),
    ),
    _plain(r"command-a-vision|c4ai-aya-vision", "Command A Vision", 128_000, images=True),
    _plain(r"command|c4ai|aya", "Command", 256_000),
)

AMAZON: Final = (
    FamilyRule(
        r"nova-2",
        Family(
            "Nova 2",
            reasons="optional",
            shows="hidden",
            efforts=_NONE_LMH,
            images=True,
            max_tokens=1_000_000,
        ),
        (HostOverride("bedrock-converse", quirks={"reasoning": "nova", "tool_status": True}),),
    ),
    FamilyRule(
        r"nova",
        Family("Nova", reasons="optional", shows="text", images=True, max_tokens=300_000),
        (
            HostOverride(
                "bedrock-converse",
                quirks={"inline_tags": [["<thinking>", "</thinking>"]], "tool_status": True},
            ),
        ),
    ),
    _plain(r"titan", "Titan"),
)

PERPLEXITY: Final = (
    FamilyRule(
        r"sonar-deep-research",
        Family("Sonar Deep Research", reasons="always", shows="text", efforts=_LMH),
        (HostOverride("openai-chat", ("perplexity",), quirks={"effort": {}, "models_path": None}),),
    ),
    FamilyRule(
        r"sonar-reasoning|r1-1776", Family("Sonar Reasoning", reasons="always", shows="text")
    ),
    _plain(r"sonar", "Sonar", 128_000, images=True),
)
