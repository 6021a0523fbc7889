"""Settings of other ecosystems' protocols. `thinkaloud.config` loads and documents them."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from thinkaloud.ports.principal import ReasoningField

DAY_MS: Final = 24 * 3_600 * 1_000


class OpenAISettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[wires.openai]`: OpenAI Chat Completions and Responses, for clients of OpenAI's API."""

    reasoning_field: ReasoningField = "reasoning_content"
    """The field of a message or delta that has the reasoning. Most clients read `reasoning_content`."""
    include_reasoning: bool = False
    """Whether to send reasoning to clients that don't ask for it, because they have no option for it."""
    reasoning_events: Literal["summary", "text"] = "summary"
    """How the Responses API streams reasoning: as a summary, which all clients show, or as raw text."""
    response_days: Annotated[float, Meta(gt=0)] = 30.0
    """How long a response of the Responses API whose conversation has no name can be retrieved and continued."""


class AnthropicSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[wires.anthropic]`: Anthropic Messages, for clients of Anthropic's API."""

    server_tools: bool = True
    """Whether responses show calls of the server's own tools, as blocks of the types `mcp_tool_use` and
    `mcp_tool_result`. Turn it off for clients that don't know these types, which come from a beta of the API."""


class WireSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[wires]`: the protocols of other ecosystems."""

    max_body_bytes: int = 32 * 2**20
    """Maximum size of a request body. It has the whole conversation with its images, so it can be larger than
    `server.max_body_bytes`."""
    remember_days: Annotated[float, Meta(ge=0)] = 0.0
    """How long to save the latest responses of clients that keep the conversation themselves, in the data directory,
    so that a model gets its reasoning back after a restart, too. 0: they are remembered in memory only, until the
    server stops."""
    anthropic: AnthropicSettings = AnthropicSettings()
    openai: OpenAISettings = OpenAISettings()
