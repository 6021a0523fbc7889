"""Hosts that serve other makers' models: clouds, inference services and gateways."""

from typing import Final

from thinkaloud.providers.hosts.host import Host, Placeholder, Wire

_LADDER: Final = ("none", "minimal", "low", "medium", "high", "xhigh")
_PROJECT: Final = Placeholder("project", ("GOOGLE_CLOUD_PROJECT", "ANTHROPIC_VERTEX_PROJECT_ID"))
_UNIFIED: Final = {"level_field": "reasoning.effort", "budget_field": "reasoning.max_tokens"}
_DETAILS: Final = {"carrier": "reasoning_details"}

AZURE: Final = Host(
    "azure",
    "Azure OpenAI",
    "openai-responses",
    "{endpoint}/openai/v1",
    ("AZURE_OPENAI_API_KEY",),
    "api-key",
    key_required=False,
    credentials="azure",
    placeholders=(Placeholder("endpoint", ("AZURE_OPENAI_ENDPOINT",)),),
    also={
        "openai-chat": Wire(
            "{endpoint}/openai/v1", {"max_tokens_field": "max_completion_tokens"}, "api-key"
        ),
        "anthropic-messages": Wire("{endpoint}/anthropic", {"models_path": None}, "x-api-key"),
    },
)

BEDROCK: Final = Host(
    "bedrock",
    "Amazon Bedrock",
    "bedrock-converse",
    "https://bedrock-runtime.{region}.amazonaws.com",
    ("AWS_BEARER_TOKEN_BEDROCK",),
    key_required=False,
    credentials="aws",
    default_model="global.anthropic.claude-sonnet-4-5-20250929-v1:0",
    quirks={"tool_status": False},
    placeholders=(
        Placeholder("region", ("AWS_REGION", "AWS_DEFAULT_REGION"), default="us-east-1"),
    ),
    models=(
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        "us.amazon.nova-2-lite-v1:0",
        "openai.gpt-oss-120b-1:0",
        "us.deepseek.r1-v1:0",
    ),
    efforts=(),
    also={
        "anthropic-messages": Wire(
            "https://bedrock-runtime.{region}.amazonaws.com",
            {
                "path": "/model/{model}/invoke-with-response-stream",
                "models_path": None,
                "body_version": "bedrock-2023-05-31",
                "stream_field": False,
                "betas_in_body": True,
            },
        ),
        "openai-chat": Wire("https://bedrock-runtime.{region}.amazonaws.com/openai/v1"),
        "openai-responses": Wire(
            "https://bedrock-mantle.{region}.api.aws/v1", {"conversation_field": None}
        ),
    },
)

VERTEX: Final = Host(
    "vertex",
    "Google Vertex AI",
    "google-generate",
    "https://{location}-aiplatform.googleapis.com",
    key_required=False,
    credentials="google",
    quirks={
        "path": "/v1/projects/{project}/locations/{location}/publishers/google/models/{model}"
        ":streamGenerateContent?alt=sse",
        "models_path": None,
        "call_ids": False,
        "tool_schema": "openapi",
    },
    placeholders=(
        _PROJECT,
        Placeholder(
            "location",
            ("GOOGLE_CLOUD_LOCATION",),
            default="global",
            base_urls={"global": "https://aiplatform.googleapis.com"},
        ),
    ),
    models=("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview"),
)

VERTEX_ANTHROPIC: Final = Host(
    "vertex-anthropic",
    "Claude on Vertex AI",
    "anthropic-messages",
    "https://{location}-aiplatform.googleapis.com/v1",
    key_required=False,
    credentials="google",
    quirks={
        "path": "/projects/{project}/locations/{location}/publishers/anthropic/models/{model}"
        ":streamRawPredict",
        "models_path": None,
        "body_version": "vertex-2023-10-16",
    },
    placeholders=(
        _PROJECT,
        Placeholder(
            "location",
            ("CLOUD_ML_REGION", "GOOGLE_CLOUD_LOCATION"),
            default="global",
            base_urls={"global": "https://aiplatform.googleapis.com/v1"},
        ),
    ),
    models=("claude-sonnet-4-5@20250929", "claude-haiku-4-5@20251001"),
)

OPENROUTER: Final = Host(
    "openrouter",
    "OpenRouter",
    "openai-chat",
    "https://openrouter.ai/api/v1",
    ("OPENROUTER_API_KEY",),
    default_model="openrouter/auto",
    quirks={"effort": _UNIFIED, "back": _DETAILS},
    gateway=_LADDER,
    also={
        "openai-responses": Wire(
            "https://openrouter.ai/api/v1",
            {
                "item_ids": "strip",
                "trailing_reasoning": True,
                "budget_field": "max_tokens",
                "conversation_field": None,
            },
        ),
        "anthropic-messages": Wire("https://openrouter.ai/api"),
    },
)

VERCEL: Final = Host(
    "vercel",
    "Vercel AI Gateway",
    "openai-chat",
    "https://ai-gateway.vercel.sh/v1",
    ("AI_GATEWAY_API_KEY",),
    default_model="anthropic/claude-sonnet-4.5",
    quirks={
        "effort": {**_UNIFIED, "shown": {"reasoning": {"enabled": True}}},
        "back": _DETAILS,
    },
    gateway=_LADDER,
)

GROQ: Final = Host(
    "groq",
    "Groq",
    "openai-chat",
    "https://api.groq.com/openai/v1",
    ("GROQ_API_KEY",),
    default_model="openai/gpt-oss-120b",
    quirks={
        "max_tokens_field": "max_completion_tokens",
        "effort": {"level_field": None},
        "back": {"carrier": "nothing"},
    },
    efforts=(),
)

CEREBRAS: Final = Host(
    "cerebras",
    "Cerebras",
    "openai-chat",
    "https://api.cerebras.ai/v1",
    ("CEREBRAS_API_KEY",),
    default_model="gpt-oss-120b",
    quirks={"max_tokens_field": "max_completion_tokens", "effort": {"level_field": None}},
    efforts=(),
)

TOGETHER: Final = Host(
    "together",
    "Together AI",
    "openai-chat",
    "https://api.together.xyz/v1",
    ("TOGETHER_API_KEY",),
    default_model="openai/gpt-oss-120b",
    quirks={
        "effort": {
            "level_field": None,
            "on": {"reasoning": {"enabled": True}},
            "off": {"reasoning": {"enabled": False}},
        }
    },
    efforts=("none", "high"),
)

FIREWORKS: Final = Host(
    "fireworks",
    "Fireworks AI",
    "openai-chat",
    "https://api.fireworks.ai/inference/v1",
    ("FIREWORKS_API_KEY",),
    default_model="accounts/fireworks/models/gpt-oss-120b",
)

HUGGINGFACE: Final = Host(
    "huggingface",
    "Hugging Face Inference Providers",
    "openai-chat",
    "https://router.huggingface.co/v1",
    ("HF_TOKEN",),
    default_model="openai/gpt-oss-120b",
    quirks={"effort": {"level_field": None}},
    efforts=(),
)

VENICE: Final = Host(
    "venice",
    "Venice",
    "openai-chat",
    "https://api.venice.ai/api/v1",
    ("VENICE_API_KEY",),
    quirks={
        "effort": {
            "level_field": None,
            "off": {"venice_parameters": {"disable_thinking": True}},
        }
    },
    efforts=("none", "high"),
)

COPILOT: Final = Host(
    "copilot",
    "GitHub Copilot",
    "openai-responses",
    "https://api.githubcopilot.com",
    ("GITHUB_COPILOT_API_TOKEN",),
    quirks={"conversation_field": None},
    also={"openai-chat": Wire("https://api.githubcopilot.com")},
)

CODEX: Final = Host(
    "codex",
    "ChatGPT Codex",
    "openai-responses",
    "https://chatgpt.com/backend-api/codex",
    ("CODEX_ACCESS_TOKEN",),
    quirks={
        "item_ids": "strip",
        "max_output_tokens_field": None,
        "default_instructions": "You are a helpful assistant.",
        "conversation_header": "session_id",
        "models_path": None,
    },
)
