"""Hosts that serve their own models.

Base URLs and key variables are taken from each maker's own client or documentation.
"""

from typing import Final

from thinkaloud.providers.hosts.host import Host, Wire

_THINKING: Final = {
    "level_field": None,
    "on": {"thinking": {"type": "enabled"}},
    "off": {"thinking": {"type": "disabled"}},
}
_BACK: Final = {"carrier": "reasoning_content", "rendered": "since_tools", "placeholder": ""}
_CALL_BACK: Final = {"carrier": "reasoning_content", "rendered": "tool_calls"}

ANTHROPIC: Final = Host(
    "anthropic",
    "Anthropic",
    "anthropic-messages",
    "https://api.anthropic.com",
    ("ANTHROPIC_API_KEY",),
    "x-api-key",
    default_model="claude-sonnet-5",
)

OPENAI: Final = Host(
    "openai",
    "OpenAI",
    "openai-responses",
    "https://api.openai.com/v1",
    ("OPENAI_API_KEY",),
    default_model="gpt-5.5",
    also={
        "openai-chat": Wire(
            "https://api.openai.com/v1",
            {
                "max_tokens_field": "max_completion_tokens",
                "conversation_field": "prompt_cache_key",
            },
        )
    },
)

GOOGLE: Final = Host(
    "google",
    "Google AI",
    "google-generate",
    "https://generativelanguage.googleapis.com",
    ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "x-goog-api-key",
    default_model="gemini-2.5-flash",
    also={
        "google-interactions": Wire(
            "https://generativelanguage.googleapis.com", key_style="x-goog-api-key"
        ),
        "openai-chat": Wire("https://generativelanguage.googleapis.com/v1beta/openai"),
    },
)

DEEPSEEK: Final = Host(
    "deepseek",
    "DeepSeek",
    "openai-chat",
    "https://api.deepseek.com",
    ("DEEPSEEK_API_KEY",),
    default_model="deepseek-v4-flash",
    quirks={
        "effort": {
            "on": {"thinking": {"type": "enabled"}},
            "off": {"thinking": {"type": "disabled"}},
        },
        "back": _BACK,
        "images": False,
    },
    also={
        "openai-responses": Wire(
            "https://api.deepseek.com",
            {
                "summary": None,
                "include": [],
                "readable_reasoning": True,
                "images": False,
                "conversation_field": None,
            },
        ),
        "anthropic-messages": Wire(
            "https://api.deepseek.com/anthropic",
            {"thinking": "switch", "unsigned": True, "models_path": None},
            "x-api-key",
        ),
    },
)

MISTRAL: Final = Host(
    "mistral",
    "Mistral",
    "openai-chat",
    "https://api.mistral.ai/v1",
    ("MISTRAL_API_KEY",),
    default_model="mistral-medium-latest",
    quirks={
        "stream_usage": False,
        "tool_call_id_pattern": "[a-zA-Z0-9]{9}",
        "back": {"carrier": "content_chunks"},
        "effort": {"level_field": None},
    },
    efforts=(),
)

XAI: Final = Host(
    "xai",
    "xAI",
    "openai-responses",
    "https://api.x.ai/v1",
    ("XAI_API_KEY",),
    default_model="grok-4.3",
    quirks={
        "system": "system",
        "summary": None,
        "bare_reasoning": True,
        "conversation_header": "x-grok-conv-id",
        "conversation_field": None,
    },
    efforts=(),
    also={
        "openai-chat": Wire(
            "https://api.x.ai/v1",
            {"completion_excludes_reasoning": True, "conversation_header": "x-grok-conv-id"},
        )
    },
)

COHERE: Final = Host(
    "cohere",
    "Cohere",
    "cohere-chat",
    "https://api.cohere.com",
    ("CO_API_KEY", "COHERE_API_KEY"),
    default_model="command-a-plus-05-2026",
    efforts=(),
)

MOONSHOT: Final = Host(
    "moonshot",
    "Moonshot AI",
    "openai-chat",
    "https://api.moonshot.ai/v1",
    ("MOONSHOT_API_KEY",),
    default_model="kimi-k2.6",
    quirks={"effort": _THINKING, "back": _CALL_BACK},
    efforts=("none", "high"),
    also={
        "anthropic-messages": Wire("https://api.moonshot.ai/anthropic", {"models_path": None}),
    },
)


def _glm(name: str, title: str, base_url: str, key_env: tuple[str, ...]) -> Host:
    root = base_url.partition("/api/")[0]
    return Host(
        name,
        title,
        "openai-chat",
        base_url,
        key_env,
        default_model="glm-4.7",
        quirks={"effort": _THINKING, "back": _CALL_BACK},
        efforts=("none", "high"),
        also={"anthropic-messages": Wire(f"{root}/api/anthropic", {"models_path": None})},
    )


ZAI: Final = _glm("zai", "Z.ai", "https://api.z.ai/api/paas/v4", ("ZAI_API_KEY",))
ZHIPU: Final = _glm(
    "zhipu",
    "Zhipu",
    "https://open.bigmodel.cn/api/paas/v4",
    ("ZHIPUAI_API_KEY", "ZHIPU_API_KEY"),
)

DASHSCOPE: Final = Host(
    "dashscope",
    "Alibaba DashScope",
    "openai-chat",
    "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    ("DASHSCOPE_API_KEY",),
    default_model="qwen3-max",
    quirks={
        "effort": {
            "level_field": None,
            "budget_field": "thinking_budget",
            "on": {"enable_thinking": True},
            "off": {"enable_thinking": False},
            "levels": {"low": 2048, "medium": 8192, "high": 32768},
        }
    },
    efforts=("none", "low", "medium", "high"),
)

MINIMAX: Final = Host(
    "minimax",
    "MiniMax",
    "openai-chat",
    "https://api.minimax.io/v1",
    ("MINIMAX_API_KEY",),
    default_model="MiniMax-M2",
    quirks={
        "effort": {"level_field": None, "shown": {"reasoning_split": True}},
        "back": {"carrier": "as_received"},
    },
    efforts=(),
    also={
        "anthropic-messages": Wire("https://api.minimax.io/anthropic", {"models_path": None}),
    },
)

PERPLEXITY: Final = Host(
    "perplexity",
    "Perplexity",
    "openai-chat",
    "https://api.perplexity.ai",
    ("PERPLEXITY_API_KEY", "PPLX_API_KEY"),
    default_model="sonar-reasoning-pro",
    quirks={"models_path": None, "effort": {"level_field": None}},
    models=("sonar", "sonar-pro", "sonar-reasoning-pro", "sonar-deep-research"),
    efforts=(),
)
