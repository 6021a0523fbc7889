"""How hosts differ in their Responses API. The defaults suit OpenAI's own API."""

from typing import Literal

import msgspec

from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.dialects.inline import InlineQuirks
from thinkaloud.providers.target import Target


def _item_omits() -> dict[str, tuple[str, ...]]:
    return {"reasoning": ("status",), "function_call": ("status",)}


def _effort_off() -> dict[str, object]:
    return {"effort": "none"}


class Quirks(InlineQuirks, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields of `quirks` in a host or a family of the dialect `openai-responses`."""

    # The request

    path: str = "/responses"
    """Appended to the base URL."""
    models_path: str | None = "/models"
    """The path of the model list; None: there is none."""
    store: bool | None = False
    """Whether the provider stores the response; None omits the field (the provider's default)."""
    include: tuple[str, ...] = ("reasoning.encrypted_content",)
    """Requested from every reasoning model. Empty if the host has no opaque reasoning."""
    summary: Literal["auto", "concise", "detailed"] | None = "auto"
    """The reasoning summary to request, without which OpenAI returns none.

    None omits it, for hosts that return their reasoning anyway, and for organizations that OpenAI
    has not verified for summaries.
    """
    effort_names: dict[EffortLevel, str] = msgspec.field(default_factory=dict)
    """The host's names for levels, if they differ."""
    effort_off: dict[str, object] = msgspec.field(default_factory=_effort_off)
    """The `reasoning` object that turns reasoning off; if empty, the object is omitted."""
    budget_field: str | None = None
    """The field of `reasoning` for a number of tokens; None: a budget is not supported."""
    system: Literal["instructions", "developer", "system"] = "instructions"
    """Where the system prompt goes: the `instructions` field, or a message with this role."""
    default_instructions: str | None = None
    """The system prompt for requests without one, if the host requires one."""
    max_output_tokens_field: str | None = "max_output_tokens"
    """None if the host rejects a limit (the Codex backend)."""
    conversation_field: str | None = "prompt_cache_key"
    """The field for the conversation id, used by the provider's cache; None: not sent."""
    conversation_header: str | None = None
    """The header for the conversation id; None: not sent."""
    strict_tools: bool | None = False
    """`strict` on each tool. OpenAI's default is True, which rejects most schemas."""
    images: bool = True
    """Whether the host accepts images."""
    extra: dict[str, object] = msgspec.field(default_factory=dict)
    """Additional fields of every request body."""

    # What is sent back in the next request

    item_ids: Literal["keep", "strip"] = "keep"
    """Whether output items are sent back with their ids.

    Copilot ties an encrypted item to its id. OpenRouter and the Codex backend look ids up, which
    fails if nothing is stored.
    """
    item_omits: dict[str, tuple[str, ...]] = msgspec.field(default_factory=_item_omits)
    """Fields that are not sent back, by item type. Null fields are never sent back."""
    part_omits: tuple[str, ...] = ("logprobs",)
    """Fields of content parts that are not sent back."""
    bare_reasoning: bool = False
    """Whether to send back a reasoning item without encrypted or readable content.

    Without storage, OpenAI rejects such an item as 'not found'. xAI accepts it.
    """
    trailing_reasoning: bool = False
    """Whether to send back a reasoning item that nothing follows.

    OpenAI rejects it. OpenRouter puts Gemini's signature there.
    """
    readable_reasoning: bool = False
    """Whether the host also expects readable reasoning of other providers' turns (DeepSeek).

    If so, a turn with tool calls has a reasoning item even if it had no reasoning.
    """
    reasoning_before_each_call: bool = False
    """Whether each call of a parallel turn needs its own copy of the reasoning before it."""


def quirks_of(target: Target) -> Quirks:
    """Return the quirks of a target; its family's override its host's.

    Raises `msgspec.ValidationError`, naming the field, if one is unknown or has the wrong type.
    """
    return msgspec.convert({**target.quirks, **target.family.quirks}, Quirks, strict=True)
