"""Families whose weights are open, and which many hosts serve, each with its own switch.

Sources: the model cards and chat templates; the hosts' pages on reasoning (DeepSeek, DashScope,
Moonshot, Z.ai, MiniMax, Mistral, Groq, Cerebras, Together); the vLLM and SGLang documentation.
"""

from typing import Final

from thinkaloud.core.tags import GRANITE
from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.families.kind import Kind, On
from thinkaloud.providers.target import Family

Levels = tuple[EffortLevel, ...]

_LMH: Final[Levels] = ("low", "medium", "high")
_SWITCH: Final[Levels] = ("none", "high")
_NO_SWITCH: Final[dict[str, object]] = {"effort": {"level_field": None}}
_GLM_HOSTS: Final = ("zai", "zhipu")
_OFF: Final[dict[str, object]] = {"thinking": {"type": "disabled"}}


def _template(name: str) -> On:
    """Return the switch of a chat template, as vLLM, SGLang and llama.cpp pass it on."""
    effort = {
        "level_field": None,
        "on": {"chat_template_kwargs": {name: True}},
        "off": {"chat_template_kwargs": {name: False}},
    }
    return On("openai-chat", templates=True, efforts=_SWITCH, quirks={"effort": effort})


_OLLAMA: Final = On("ollama-chat", reasons="optional", efforts=_SWITCH)
_GROQ: Final = On(
    "openai-chat",
    ("groq",),
    quirks={"effort": {"level_field": None, "shown": {"reasoning_format": "parsed"}}},
)


def _reasoner(
    pattern: str,
    name: str,
    window: int | None,
    *on: On,
    efforts: Levels = (),
    images: bool = False,
    messages: dict[str, object] | None = None,
    preopened: bool = False,
) -> Kind:
    """Return a family that reasons, and can stop only where `none` is one of its levels."""
    reasons = "optional" if "none" in efforts else "always"
    family = Family(
        name,
        reasons=reasons,
        shows="text",
        efforts=efforts,
        images=images,
        max_tokens=window,
        preopened=preopened,
    )
    return Kind(pattern, family, on, messages or {})


def _plain(pattern: str, name: str, window: int | None = None, *, images: bool = False) -> Kind:
    """Return a family that never reasons."""
    return Kind(pattern, Family(name, images=images, max_tokens=window))


GPT_OSS: Final = (
    _reasoner(
        r"gpt-oss",
        "gpt-oss",
        131_072,
        On(
            "openai-chat",
            ("groq",),
            quirks={
                "effort": {"shown": {"include_reasoning": True}},
                "back": {"carrier": "nothing"},
            },
        ),
        On("openai-chat", ("cerebras",), quirks={"effort": {}, "back": {"carrier": "reasoning"}}),
        On("openai-chat", quirks={"effort": {}}),
        On("ollama-chat", quirks={"think": "level"}),
        On("bedrock-converse", quirks={"reasoning": "reasoning-effort"}),
        efforts=_LMH,
    ),
)

DEEPSEEK: Final = (
    _reasoner(
        r"deepseek-(reasoner|r1)|mai-ds-r1|r1-",
        "DeepSeek R1",
        131_072,
        On("bedrock-converse", quirks={"reasoning": "always", "sends_reasoning": False}),
        _OLLAMA,
        _GROQ,
        preopened=True,
    ),
    _plain(
        r"deepseek-chat$|deepseek-(v2|v3(-0324|$)|coder|vl|chat-v3-0324)", "DeepSeek V3", 131_072
    ),
    _reasoner(
        r"deepseek-v[4-9]",
        "DeepSeek V4",
        1_048_576,
        On("openai-responses", ("deepseek",), quirks={"effort_off": {"effort": "none"}}),
        On("anthropic-messages", ("deepseek",)),
        On("openai-chat", ("deepseek", "fireworks")),
        _template("thinking"),
        _OLLAMA,
        On("openai-chat", efforts=_SWITCH),
        efforts=("none", "low", "high", "max"),
    ),
    _reasoner(
        r"deepseek-(v3|chat-v3)",
        "DeepSeek V3.1 and V3.2",
        131_072,
        _template("thinking"),
        efforts=_SWITCH,
    ),
)

_QWEN_HYBRID: Final = (
    On("openai-chat", ("dashscope",), efforts=("none", *_LMH)),
    On(
        "openai-chat",
        ("groq",),
        quirks={"effort": {"levels": {"high": "default"}, "shown": {"reasoning_format": "parsed"}}},
    ),
    _template("enable_thinking"),
    On("bedrock-converse", efforts=("low", "high"), quirks={"reasoning": "reasoning-config"}),
)

QWEN: Final = (
    _plain(r"qwen-?3(?=.*(instruct|coder|embedding|rerank))", "Qwen3 Instruct", 262_144),
    _reasoner(
        r"qwen-?3(?=.*thinking)(?=.*vl)",
        "Qwen3 VL Thinking",
        262_144,
        images=True,
        preopened=True,
    ),
    _reasoner(r"qvq", "QVQ", 131_072, images=True),
    _reasoner(
        r"qwen-?3(?=.*thinking)|qwq",
        "Qwen3 Thinking",
        262_144,
        On("openai-chat", quirks=_NO_SWITCH),
        _OLLAMA,
        preopened=True,
    ),
    _reasoner(
        r"qwen-?3([.-]?[5-9]|-(vl|omni))",
        "Qwen3.5",
        262_144,
        *_QWEN_HYBRID,
        efforts=_SWITCH,
        images=True,
        preopened=True,
    ),
    _reasoner(
        r"qwen-?3|qwen-(plus|turbo|flash|max)", "Qwen3", 131_072, *_QWEN_HYBRID, efforts=_SWITCH
    ),
    _plain(r"qwen.*vl", "Qwen VL", 131_072, images=True),
    _plain(r"qwen|codeqwen", "Qwen 2.5", 131_072),
)

# Every message with tool calls must carry a thought, another model's too.
_UNSIGNED: Final[dict[str, object]] = {"unsigned": True}

KIMI: Final = (
    _reasoner(
        r"kimi-k[3-9]",
        "Kimi K3",
        262_144,
        On(
            "openai-chat",
            ("moonshot",),
            quirks={
                "effort": {},
                "back": {"carrier": "reasoning_content", "rendered": "tool_calls"},
            },
        ),
        efforts=("low", "high", "max"),
        images=True,
        messages=_UNSIGNED,
    ),
    _reasoner(
        r"kimi-(k2[.-]7-code|k2-thinking|thinking)",
        "Kimi K2 Thinking",
        262_144,
        On("openai-chat", quirks=_NO_SWITCH),
        messages=_UNSIGNED,
    ),
    _reasoner(
        r"kimi-k2[.-]6",
        "Kimi K2.6",
        262_144,
        On(
            "openai-chat",
            ("moonshot",),
            quirks={
                "effort": {
                    "level_field": None,
                    "on": {"thinking": {"type": "enabled", "keep": "all"}},
                    "off": _OFF,
                }
            },
        ),
        _template("thinking"),
        efforts=_SWITCH,
        images=True,
        messages=_UNSIGNED,
        preopened=True,
    ),
    _reasoner(
        r"kimi-k2[.-][5-9]",
        "Kimi K2.5",
        262_144,
        _template("thinking"),
        efforts=_SWITCH,
        images=True,
        messages=_UNSIGNED,
        preopened=True,
    ),
    _plain(r"kimi|moonshot", "Kimi K2", 262_144),
)

# Thinking of earlier turns is used only where the request says so.
_GLM_KEEPS: Final[dict[str, object]] = {"thinking": {"type": "enabled", "clear_thinking": False}}
_GLM_ON: Final = (
    On(
        "openai-chat",
        ("cerebras",),
        quirks={
            "effort": {"level_field": None, "off": {"reasoning_effort": "none"}},
            "back": {"carrier": "tags", "rendered": "all"},
            "inline_tags": [["<think>", "</think>"]],
        },
    ),
    _template("enable_thinking"),
)

GLM: Final = (
    _reasoner(
        r"glm-(5[.-][3-9]|[6-9])",
        "GLM-5.3",
        204_800,
        On("openai-chat", _GLM_HOSTS, quirks={"effort": {"shown": _GLM_KEEPS}}),
        efforts=("low", "high", "max"),
    ),
    _reasoner(
        r"glm-5[.-]2",
        "GLM-5.2",
        204_800,
        On("openai-chat", _GLM_HOSTS, quirks={"effort": {"on": _GLM_KEEPS, "off": _OFF}}),
        *_GLM_ON,
        On("ollama-chat", efforts=_SWITCH),
        efforts=("none", "low", "high", "max"),
    ),
    _reasoner(
        r"glm-4[.-][5-9]v",
        "GLM-4.5V",
        65_536,
        *_GLM_ON,
        efforts=_SWITCH,
        images=True,
    ),
    _reasoner(
        r"glm-(4[.-][7-9]|5)",
        "GLM-4.7",
        204_800,
        On(
            "openai-chat",
            _GLM_HOSTS,
            quirks={"effort": {"level_field": None, "on": _GLM_KEEPS, "off": _OFF}},
        ),
        *_GLM_ON,
        efforts=_SWITCH,
    ),
    _reasoner(r"glm-4[.-][56]", "GLM-4.5", 131_072, *_GLM_ON, efforts=_SWITCH),
    _reasoner(r"glm-z1", "GLM-Z1", 32_768, preopened=True),
    _plain(r"glm|chatglm", "GLM-4", 131_072),
)

_SPLIT: Final[dict[str, object]] = {"reasoning_split": True}
_TAGS_BACK: Final[dict[str, object]] = {
    "back": {"carrier": "tags", "rendered": "all"},
    "inline_tags": [["<think>", "</think>"]],
}

MINIMAX: Final = (
    _reasoner(
        r"minimax-m[3-9]",
        "MiniMax M3",
        204_800,
        On(
            "openai-chat",
            ("minimax",),
            quirks={
                "effort": {
                    "level_field": None,
                    "on": {"thinking": {"type": "adaptive"}},
                    "off": _OFF,
                    "shown": _SPLIT,
                }
            },
        ),
        On("openai-chat", templates=True, efforts=(), quirks=_TAGS_BACK),
        efforts=_SWITCH,
    ),
    _reasoner(
        r"minimax-m",
        "MiniMax M2",
        204_800,
        On("openai-chat", templates=True, quirks=_TAGS_BACK),
        preopened=True,
    ),
    _plain(r"minimax|abab", "MiniMax Text"),
)

MISTRAL: Final = (
    _reasoner(
        r"magistral", "Magistral", 131_072, On("openai-chat", quirks=_NO_SWITCH), images=True
    ),
    _reasoner(
        r"mistral-large-4",
        "Mistral Large 4",
        262_144,
        On("openai-chat", quirks={"effort": {}}),
        efforts=("none", *_LMH),
        images=True,
    ),
    _reasoner(
        r"mistral-(small|medium)-latest|mistral-small-4|mistral-medium-3[.-]5",
        "Mistral Small 4 and Medium 3.5",
        262_144,
        On("openai-chat", quirks={"effort": {}}),
        efforts=_SWITCH,
        images=True,
    ),
    _plain(r"pixtral|mistral-(small|medium|large)|ministral-3", "Mistral", 131_072, images=True),
    _plain(r"(open-)?(mistral|mixtral|ministral|codestral|devstral|voxtral)", "Mistral 7B"),
)

_BUDGET_FIELD: Final = "chat_template_kwargs.thinking_budget"

OTHERS: Final = (
    _reasoner(
        r"seed-oss",
        "Seed-OSS",
        524_288,
        On(
            "openai-chat",
            templates=True,
            efforts=("none", *_LMH),
            quirks={
                "effort": {
                    "level_field": None,
                    "budget_field": _BUDGET_FIELD,
                    "levels": {"low": 1024, "medium": 4096, "high": 16384},
                    "off": {"chat_template_kwargs": {"thinking_budget": 0}},
                }
            },
        ),
        efforts=_SWITCH,
    ),
    _reasoner(
        r"granite-?(3[.-][23]|4)",
        "Granite",
        131_072,
        On(
            "openai-chat",
            templates=True,
            quirks={
                "effort": {
                    "level_field": None,
                    "on": {"chat_template_kwargs": {"thinking": True}},
                    "off": {"chat_template_kwargs": {"thinking": False}},
                },
                "inline_tags": [list(pair) for pair in GRANITE],
            },
        ),
        efforts=_SWITCH,
    ),
    _reasoner(
        r"(llama-?3.*)?nemotron|smollm3|exaone-?4|hunyuan|ernie-4[.]5.*thinking|gemma-?[4-9](?!b)",
        "open hybrid",
        131_072,
        _template("enable_thinking"),
        efforts=_SWITCH,
    ),
    _reasoner(
        r"exaone-deep|olmo.*think|step-?3",
        "open reasoner",
        131_072,
        On("openai-chat", quirks=_NO_SWITCH),
        preopened=True,
    ),
    _reasoner(
        r"phi-4.*reasoning|lfm.*thinking|deepcogito|cogito|compound",
        "open reasoner",
        131_072,
        On("openai-chat", quirks=_NO_SWITCH),
    ),
    _plain(r"(meta-)?llama-?4|gemma-?3", "Llama 4 and Gemma 3", 131_072, images=True),
    _plain(
        r"(meta-)?llama|codellama|gemma|granite|phi|olmo|lfm|exaone|ernie|jamba|dbrx|falcon|yi-"
        r"|starcoder|palmyra|vicuna|tinyllama|stablelm|nous-hermes-2",
        "open, without reasoning",
    ),
)
