"""Open-weight families. Many hosts serve them, each with its own switch for reasoning.

Sources: the model cards and chat templates; the hosts' pages on reasoning (DeepSeek, DashScope,
Moonshot, Z.ai, MiniMax, Mistral, Groq, Cerebras, Together); the vLLM and SGLang documentation.
"""

from typing import Final

from thinkaloud.core.parsers.inline_tags import GRANITE
from thinkaloud.providers.families.rows import SWITCH, Levels, plain, reasoner, template
from thinkaloud.providers.families.rule import HostOverride

_LMH: Final[Levels] = ("low", "medium", "high")
_NO_SWITCH: Final[dict[str, object]] = {"effort": {"level_field": None}}
_GLM_HOSTS: Final = ("zai", "zhipu")
_OFF: Final[dict[str, object]] = {"thinking": {"type": "disabled"}}


_OLLAMA: Final = HostOverride("ollama-chat", reasons="optional", efforts=SWITCH)
_GROQ: Final = HostOverride(
    "openai-chat",
    ("groq",),
    quirks={"effort": {"level_field": None, "shown": {"reasoning_format": "parsed"}}},
)


GPT_OSS: Final = (
    reasoner(
        r"gpt-oss",
        "gpt-oss",
        131_072,
        HostOverride(
            "openai-chat",
            ("groq",),
            quirks={
                "effort": {"shown": {"include_reasoning": True}},
                "back": {"carrier": "nothing"},
            },
        ),
        HostOverride(
            "openai-chat", ("cerebras",), quirks={"effort": {}, "back": {"carrier": "reasoning"}}
        ),
        HostOverride("openai-chat", quirks={"effort": {}}),
        HostOverride("ollama-chat", quirks={"think": "level"}),
        HostOverride("bedrock-converse", quirks={"reasoning": "reasoning-effort"}),
        efforts=_LMH,
    ),
)

DEEPSEEK: Final = (
    reasoner(
        r"deepseek-(reasoner|r1)|mai-ds-r1|r1-",
        "DeepSeek R1",
        131_072,
        HostOverride("bedrock-converse", quirks={"reasoning": "always", "sends_reasoning": False}),
        _OLLAMA,
        _GROQ,
        preopened=True,
    ),
    plain(
        r"deepseek-chat$|deepseek-(v2|v3(-0324|$)|coder|vl|chat-v3-0324)", "DeepSeek V3", 131_072
    ),
    reasoner(
        r"deepseek-v[4-9]",
        "DeepSeek V4",
        1_048_576,
        HostOverride("openai-responses", ("deepseek",), quirks={"effort_off": {"effort": "none"}}),
        HostOverride("anthropic-messages", ("deepseek",)),
        HostOverride("openai-chat", ("deepseek", "fireworks")),
        template("thinking"),
        _OLLAMA,
        HostOverride("openai-chat", efforts=SWITCH),
        efforts=("none", "low", "high", "max"),
    ),
    reasoner(
        r"deepseek-(v3|chat-v3)",
        "DeepSeek V3.1 and V3.2",
        131_072,
        template("thinking"),
        efforts=SWITCH,
    ),
)

_QWEN_HYBRID: Final = (
    HostOverride("openai-chat", ("dashscope",), efforts=("none", *_LMH)),
    HostOverride(
        "openai-chat",
        ("groq",),
        quirks={"effort": {"levels": {"high": "default"}, "shown": {"reasoning_format": "parsed"}}},
    ),
    template("enable_thinking"),
    HostOverride(
        "bedrock-converse", efforts=("low", "high"), quirks={"reasoning": "reasoning-config"}
    ),
)

QWEN: Final = (
    plain(r"qwen-?3(?=.*(instruct|coder|embedding|rerank))", "Qwen3 Instruct", 262_144),
    reasoner(
        r"qwen-?3(?=.*thinking)(?=.*vl)",
        "Qwen3 VL Thinking",
        262_144,
        images=True,
        preopened=True,
    ),
    reasoner(r"qvq", "QVQ", 131_072, images=True),
    reasoner(
        r"qwen-?3(?=.*thinking)|qwq",
        "Qwen3 Thinking",
        262_144,
        HostOverride("openai-chat", quirks=_NO_SWITCH),
        _OLLAMA,
        preopened=True,
    ),
    reasoner(
        r"qwen-?3([.-]?[5-9]|-(vl|omni))",
        "Qwen3.5",
        262_144,
        *_QWEN_HYBRID,
        efforts=SWITCH,
        images=True,
        preopened=True,
    ),
    reasoner(
        r"qwen-?3|qwen-(plus|turbo|flash|max)", "Qwen3", 131_072, *_QWEN_HYBRID, efforts=SWITCH
    ),
    plain(r"qwen.*vl", "Qwen VL", 131_072, images=True),
    plain(r"qwen|codeqwen", "Qwen 2.5", 131_072),
)

# Every message with tool calls must include reasoning, even if it is another model's.
_UNSIGNED: Final[dict[str, object]] = {"unsigned": True}

KIMI: Final = (
    reasoner(
        r"kimi-k[3-9]",
        "Kimi K3",
        262_144,
        HostOverride(
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
    reasoner(
        r"kimi-(k2[.-]7-code|k2-thinking|thinking)",
        "Kimi K2 Thinking",
        262_144,
        HostOverride("openai-chat", quirks=_NO_SWITCH),
        messages=_UNSIGNED,
    ),
    reasoner(
        r"kimi-k2[.-]6",
        "Kimi K2.6",
        262_144,
        HostOverride(
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
        template("thinking"),
        efforts=SWITCH,
        images=True,
        messages=_UNSIGNED,
        preopened=True,
    ),
    reasoner(
        r"kimi-k2[.-][5-9]",
        "Kimi K2.5",
        262_144,
        template("thinking"),
        efforts=SWITCH,
        images=True,
        messages=_UNSIGNED,
        preopened=True,
    ),
    plain(r"kimi|moonshot", "Kimi K2", 262_144),
)

# Reasoning from earlier turns is only used if the request says so.
_GLM_KEEPS: Final[dict[str, object]] = {"thinking": {"type": "enabled", "clear_thinking": False}}
_GLM_ON: Final = (
    HostOverride(
        "openai-chat",
        ("cerebras",),
        quirks={
            "effort": {"level_field": None, "off": {"reasoning_effort": "none"}},
            "back": {"carrier": "tags", "rendered": "all"},
            "inline_tags": [["<think>", "</think>"]],
        },
    ),
    template("enable_thinking"),
)

GLM: Final = (
    reasoner(
        r"glm-(5[.-][3-9]|[6-9])",
        "GLM-5.3",
        204_800,
        HostOverride("openai-chat", _GLM_HOSTS, quirks={"effort": {"shown": _GLM_KEEPS}}),
        efforts=("low", "high", "max"),
    ),
    reasoner(
        r"glm-5[.-]2",
        "GLM-5.2",
        204_800,
        HostOverride("openai-chat", _GLM_HOSTS, quirks={"effort": {"on": _GLM_KEEPS, "off": _OFF}}),
        *_GLM_ON,
        HostOverride("ollama-chat", efforts=SWITCH),
        efforts=("none", "low", "high", "max"),
    ),
    reasoner(
        r"glm-4[.-][5-9]v",
        "GLM-4.5V",
        65_536,
        *_GLM_ON,
        efforts=SWITCH,
        images=True,
    ),
    reasoner(
        r"glm-(4[.-][7-9]|5)",
        "GLM-4.7",
        204_800,
        HostOverride(
            "openai-chat",
            _GLM_HOSTS,
            quirks={"effort": {"level_field": None, "on": _GLM_KEEPS, "off": _OFF}},
        ),
        *_GLM_ON,
        efforts=SWITCH,
    ),
    reasoner(r"glm-4[.-][56]", "GLM-4.5", 131_072, *_GLM_ON, efforts=SWITCH),
    reasoner(r"glm-z1", "GLM-Z1", 32_768, preopened=True),
    plain(r"glm|chatglm", "GLM-4", 131_072),
)

_SPLIT: Final[dict[str, object]] = {"reasoning_split": True}
_TAGS_BACK: Final[dict[str, object]] = {
    "back": {"carrier": "tags", "rendered": "all"},
    "inline_tags": [["<think>", "</think>"]],
}

MINIMAX: Final = (
    reasoner(
        r"minimax-m[3-9]",
        "MiniMax M3",
        204_800,
        HostOverride(
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
        HostOverride("openai-chat", templates=True, efforts=(), quirks=_TAGS_BACK),
        efforts=SWITCH,
    ),
    reasoner(
        r"minimax-m",
        "MiniMax M2",
        204_800,
        HostOverride("openai-chat", templates=True, quirks=_TAGS_BACK),
        preopened=True,
    ),
    plain(r"minimax|abab", "MiniMax Text"),
)

MISTRAL: Final = (
    reasoner(
        r"magistral",
        "Magistral",
        131_072,
        HostOverride("openai-chat", quirks=_NO_SWITCH),
        images=True,
    ),
    reasoner(
        r"mistral-large-4",
        "Mistral Large 4",
        262_144,
        HostOverride("openai-chat", quirks={"effort": {}}),
        efforts=("none", *_LMH),
        images=True,
    ),
    reasoner(
        r"mistral-(small|medium)-latest|mistral-small-4|mistral-medium-3[.-]5",
        "Mistral Small 4 and Medium 3.5",
        262_144,
        HostOverride("openai-chat", quirks={"effort": {}}),
        efforts=SWITCH,
        images=True,
    ),
    plain(r"pixtral|mistral-(small|medium|large)|ministral-3", "Mistral", 131_072, images=True),
    plain(r"(open-)?(mistral|mixtral|ministral|codestral|devstral|voxtral)", "Mistral 7B"),
)

_BUDGET_FIELD: Final = "chat_template_kwargs.thinking_budget"

OTHERS: Final = (
    reasoner(
        r"seed-oss",
        "Seed-OSS",
        524_288,
        HostOverride(
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
        efforts=SWITCH,
    ),
    reasoner(
        r"granite-?(3[.-][23]|4)",
        "Granite",
        131_072,
        HostOverride(
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
        efforts=SWITCH,
    ),
    reasoner(
        r"(llama-?3.*)?nemotron|smollm3|exaone-?4|hunyuan|ernie-4[.]5.*thinking|gemma-?[4-9](?!b)",
        "open hybrid",
        131_072,
        template("enable_thinking"),
        efforts=SWITCH,
    ),
    reasoner(
        r"exaone-deep|olmo.*think|step-?3",
        "open reasoner",
        131_072,
        HostOverride("openai-chat", quirks=_NO_SWITCH),
        preopened=True,
    ),
    reasoner(
        r"phi-4.*reasoning|lfm.*thinking|deepcogito|cogito|compound",
        "open reasoner",
        131_072,
        HostOverride("openai-chat", quirks=_NO_SWITCH),
    ),
    plain(r"(meta-)?llama-?4|gemma-?3", "Llama 4 and Gemma 3", 131_072, images=True),
    plain(
        r"(meta-)?llama|codellama|gemma|granite|phi|olmo|lfm|exaone|ernie|jamba|dbrx|falcon|yi-"
        r"|starcoder|palmyra|vicuna|tinyllama|stablelm|nous-hermes-2",
        "open, without reasoning",
    ),
)
