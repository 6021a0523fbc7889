"""In what the hosts that speak Responses differ. The defaults are OpenAI's own API."""

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

    # What a request looks like

    path: str = "/responses"
    """Appended to the base URL."""
    models_path: str | None = "/models"
    """Where models are listed; None: nowhere."""
    store: bool | None = False
    """Whether the provider keeps the response; None leaves the field out (its own default)."""
    include: tuple[str, ...] = ("reasoning.encrypted_content",)
    """Asked for from every model that reasons. Empty where the host has no opaque reasoning."""
    summary: Literal["auto", "concise", "detailed"] | None = "auto"
    """The summary of its reasoning to ask for, without which OpenAI shows none.

    None leaves it out: hosts that show their reasoning anyway, and organisations that OpenAI has
    not verified for summaries.
    """
    effort_names: dict[EffortLevel, str] = msgspec.field(default_factory=dict)
    """Levels that the host spells otherwise."""
    effort_off: dict[str, object] = msgspec.field(default_factory=_effort_off)
    """The `reasoning` object that switches reasoning off; empty leaves the object out."""
    budget_field: str | None = None
    """The member of `reasoning` that takes a number of tokens; None: it takes none."""
    system: Literal["instructions", "developer", "system"] = "instructions"
    """Where the system prompt goes: the `instructions` field, or a message of this role."""
    default_instructions: str | None = None
    """The system prompt of a request that has none, where the host demands one."""
    max_output_tokens_field: str | None = "max_output_tokens"
    """None where the host refuses a limit (the Codex backend)."""
    conversation_field: str | None = "prompt_cache_key"
    """The field that takes the conversation's id, for the provider's cache; None: none."""
    conversation_header: str | None = None
    """The header that takes the conversation's id; None: none."""
    strict_tools: bool | None = False
    """`strict` on each tool. OpenAI's default is True, which refuses most schemas."""
    images: bool = True
    """Whether the host takes pictures."""
    extra: dict[str, object] = msgspec.field(default_factory=dict)
    """Further members of every request body."""

    # What goes back in the next request

    item_ids: Literal["keep", "strip"] = "keep"
    """Whether output items go back with their ids.

    Copilot ties an encrypted item to its id. OpenRouter and the Codex backend look an id up and
    find nothing where nothing is stored.
    """
    item_omits: dict[str, tuple[str, ...]] = msgspec.field(default_factory=_item_omits)
    """Members that do not go back, by the type of the item. Null members never go back."""
    part_omits: tuple[str, ...] = ("logprobs",)
    """Members of content parts that do not go back."""
    bare_reasoning: bool = False
    """Whether a reasoning item goes back that has neither encrypted nor readable content.

    Without storage OpenAI answers such an item with 'not found'. xAI takes it.
    """
    trailing_reasoning: bool = False
    """Whether a reasoning item goes back that nothing follows.

    OpenAI refuses it. OpenRouter puts Gemini's signature there.
    """
    readable_reasoning: bool = False
    """Whether the host wants readable reasoning of other providers' turns too (DeepSeek).

    Then a turn with tool calls has a reasoning item even where it had no reasoning.
    """
    reasoning_before_each_call: bool = False
    """Whether each call of a parallel turn wants its own copy of the reasoning before it."""


def quirks_of(target: Target) -> Quirks:
    """Return the quirks of a target, its family's laid over its host's.

    Raises `msgspec.ValidationError`, naming the field, where one is unknown or of a wrong type.
    """
    return msgspec.convert({**target.quirks, **target.family.quirks}, Quirks, strict=True)
