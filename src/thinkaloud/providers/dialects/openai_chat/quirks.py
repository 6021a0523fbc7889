"""How hosts and model families differ in their Chat Completions API. Data only."""

from typing import Literal

import msgspec

from thinkaloud.providers.dialects.inline import InlineQuirks
from thinkaloud.providers.target import Target

Carrier = Literal[
    "as_received",
    "reasoning_content",
    "reasoning",
    "reasoning_text",
    "reasoning_details",
    "thinking_blocks",
    "content_chunks",
    "content_summary",
    "tags",
    "nothing",
]
"""Where an assistant message that is sent back carries its reasoning. `as_received`: in the field
it arrived in, except for inline tags. `content_chunks`: Mistral. `content_summary`: Databricks.
`tags`: inside `content`, in tags."""

BackOn = Literal["never", "tool_calls", "since_tools", "all"]
"""Which assistant messages include readable reasoning when they are rebuilt."""


class EffortWire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How effort is expressed in the request body. Fields are dotted paths into the body.

    Effort None adds `shown`. `none` adds `off`, or sets the level `none` if `off` is empty. Any
    other effort adds `shown` and `on` and sets the level or the budget.

    ========================= =========================================================
    OpenAI, xAI, Cerebras     the defaults
    OpenRouter, Vercel        `level_field="reasoning.effort"`, `budget_field="reasoning.max_tokens"`
    DeepSeek                  the defaults, `on={"thinking": {"type": "enabled"}}`, `off=` likewise,
                              `levels={"minimal": "low", "medium": "high", "xhigh": "high"}`
    Kimi K2.5, GLM            the same without `level_field`
    Qwen on DashScope         `level_field=None, budget_field="thinking_budget"`,
                              `on={"enable_thinking": True}`, `off={"enable_thinking": False}`
    vLLM, SGLang              `on={"chat_template_kwargs": {"enable_thinking": True}}`, `off=` likewise
    Mistral                   `levels={"minimal": "high", "low": "high", …}`; older: `prompt_mode` in `on`
    Gemini                    `level_field="extra_body.google.thinking_config.thinking_level"`,
                              `shown=` with `include_thoughts`
    Groq                      `shown={"reasoning_format": "parsed"}` or `{"include_reasoning": True}`
    Venice                    `off={"venice_parameters": {"disable_thinking": True}}`
    MiniMax                   `shown={"reasoning_split": True}`
    no switch                 `level_field=None`
    ========================= =========================================================
    """

    level_field: str | None = "reasoning_effort"
    """The field for a level; None: no level is sent, only `on` and `off`."""
    budget_field: str | None = None
    """The field for a number of reasoning tokens; None: a budget is not supported."""
    levels: dict[str, str | int] = {}
    """The provider's names for levels, if they differ. A number goes to `budget_field`."""
    on: dict[str, object] = {}
    """Body fields (merged deeply) that request reasoning at an effort."""
    off: dict[str, object] = {}
    """Body fields that turn reasoning off."""
    shown: dict[str, object] = {}
    """Body fields that make the provider return the reasoning; not sent with effort `none`."""


class ReasoningBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How reasoning of earlier turns is sent back to the provider.

    A turn from the same provider and model is sent back as received, in `carrier`. A rebuilt turn
    (foreign, or sent without opaque blocks) has its readable reasoning in `carrier`, for the
    messages selected by `rendered`.
    """

    carrier: Carrier = "as_received"
    rendered: BackOn = "never"
    """`since_tools`: the first message with tool calls and all after it (DeepSeek)."""
    placeholder: str | None = None
    """The text sent if such a message has no reasoning; None: nothing is sent. Only for the
    carriers `reasoning_content` and `reasoning`."""


class Quirks(InlineQuirks, frozen=True, forbid_unknown_fields=True):
    """All differences. The defaults suit an unknown server."""

    effort: EffortWire = EffortWire()
    back: ReasoningBack = ReasoningBack()
    harmony: bool = True
    """Whether content that starts with harmony's control tokens is parsed as harmony."""
    completion_excludes_reasoning: bool | None = None
    """Whether `completion_tokens` excludes reasoning (xAI, Gemini on Vercel). None: inferred from
    the token counts."""
    max_tokens_field: str = "max_tokens"
    """`max_completion_tokens` for OpenAI, Azure, Groq, Cerebras."""
    system_role: Literal["system", "developer", "user"] = "system"
    stream_usage: bool = True
    """Whether `stream_options.include_usage` is supported. False: Mistral."""
    extra: dict[str, object] = msgspec.field(default_factory=dict)
    """Body fields added to every request, merged deeply."""
    foreign_tool_call: dict[str, object] = msgspec.field(default_factory=dict)
    """Fields added to the first tool call of every rebuilt message (a placeholder for
    Gemini's signature)."""
    tool_call_id_pattern: str | None = None
    """A regular expression that ids must match in full; others are replaced by nine letters and
    digits. Mistral: `[a-zA-Z0-9]{9}`."""
    images: bool = True
    """Whether user messages may contain images."""
    conversation_field: str | None = None
    """The body field for the conversation id, e.g. OpenAI's `prompt_cache_key`."""
    conversation_header: str | None = None
    """The header for the conversation id, e.g. xAI's `x-grok-conv-id`."""
    path: str = "/chat/completions"
    models_path: str | None = "/models"


def quirks_of(target: Target) -> Quirks:
    """Return the quirks of a target; its family's override its host's.

    Raises `msgspec.ValidationError`, naming the field, if one is unknown or has the wrong type.
    """
    return msgspec.convert({**target.quirks, **target.family.quirks}, Quirks, strict=True)
