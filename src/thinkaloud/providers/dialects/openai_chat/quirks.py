"""In which ways hosts and model families differ on the Chat Completions wire: data, no code."""

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
"""Where reasoning stands in an assistant message that is sent back. `as_received`: where it
came, inline tags excepted. `content_chunks`: Mistral. `content_summary`: Databricks. `tags`: inside
`content`, in the tags."""

BackOn = Literal["never", "tool_calls", "since_tools", "all"]
"""Which assistant messages get readable reasoning when they are rebuilt."""


class EffortWire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How effort is spelled in the request body. Fields are dotted paths into the body.

    Effort None adds `shown`; `none` adds `off`, or writes the level `none` where `off` is
    empty; any other adds `shown` and `on` and writes the level or the budget.

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
    """Where a level is written; None: levels are not written, only `on` and `off` are."""
    budget_field: str | None = None
    """Where a number of reasoning tokens is written; None: the wire takes none."""
    levels: dict[str, str | int] = {}
    """Our levels in the provider's words, where they differ. A number goes to `budget_field`."""
    on: dict[str, object] = {}
    """Body members (merged deeply) where reasoning is asked for at an effort."""
    off: dict[str, object] = {}
    """Body members where no reasoning shall be generated."""
    shown: dict[str, object] = {}
    """Body members that make the provider send the reasoning; always but with effort `none`."""


class ReasoningBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How reasoning of earlier turns goes back to the provider.

    A turn that this very provider and model issued goes back as it came, in `carrier`. One
    that is rebuilt (foreign, or sent without opaque blocks) gets its readable reasoning
    in `carrier` on the messages that `rendered` names.
    """

    carrier: Carrier = "as_received"
    rendered: BackOn = "never"
    """`since_tools`: the first message with tool calls and all after it (DeepSeek)."""
    placeholder: str | None = None
    """What stands there on such a message without reasoning; None: nothing. Only for the
    carriers `reasoning_content` and `reasoning`."""


class Quirks(InlineQuirks, frozen=True, forbid_unknown_fields=True):
    """All differences. The defaults fit a server that is not known."""

    effort: EffortWire = EffortWire()
    back: ReasoningBack = ReasoningBack()
    harmony: bool = True
    """Whether content that begins with harmony's control tokens is read as harmony."""
    completion_excludes_reasoning: bool | None = None
    """Whether `completion_tokens` leaves reasoning out (xAI, Gemini on Vercel). None: told
    from the figures."""
    max_tokens_field: str = "max_tokens"
    """`max_completion_tokens` at OpenAI, Azure, Groq, Cerebras."""
    system_role: Literal["system", "developer", "user"] = "system"
    stream_usage: bool = True
    """Whether `stream_options.include_usage` is understood. False: Mistral."""
    extra: dict[str, object] = msgspec.field(default_factory=dict)
    """Body members of every request, merged deeply."""
    foreign_tool_call: dict[str, object] = msgspec.field(default_factory=dict)
    """Fields of the first tool call of every rebuilt message (a stand-in for
    Gemini's signature)."""
    tool_call_id_pattern: str | None = None
    """A regular expression that ids must match whole; others are replaced by nine letters and
    digits. Mistral: `[a-zA-Z0-9]{9}`."""
    images: bool = True
    """Whether user messages may carry pictures."""
    conversation_field: str | None = None
    """The body member for the conversation's id, e.g. OpenAI's `prompt_cache_key`."""
    conversation_header: str | None = None
    """The header for it, e.g. xAI's `x-grok-conv-id`."""
    path: str = "/chat/completions"
    models_path: str | None = "/models"


def quirks_of(target: Target) -> Quirks:
    """Return the quirks of a model of a host, the family's laid over the host's.

    Raises `msgspec.ValidationError`, naming the field, where one is unknown or of a wrong type.
    """
    return msgspec.convert({**target.quirks, **target.family.quirks}, Quirks, strict=True)
