"""What an agent and a client send each other: the part of the protocol's schema that is used here.

See https://agentclientprotocol.com/protocol/schema. Fields that a client may leave out are
optional, and unknown ones are ignored.
"""

from typing import Literal

import msgspec

PROTOCOL_VERSION = 1

StopReason = Literal["end_turn", "max_tokens", "max_turn_requests", "cancelled"]


class Camel(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A message whose fields are in camel case in JSON."""


class SessionParams(Camel, frozen=True, kw_only=True):
    """The parameters of methods that only name a session."""

    session_id: str


class NewSessionParams(Camel, frozen=True, kw_only=True):
    """`session/new`. The folder and the MCP servers are not used."""

    cwd: str | None = None


class ListParams(Camel, frozen=True, kw_only=True):
    """`session/list`."""

    cwd: str | None = None


class ConfigParams(Camel, frozen=True, kw_only=True):
    """`session/set_config_option`."""

    session_id: str
    config_id: str
    value: str


class TextContent(Camel, frozen=True, kw_only=True, tag="text", tag_field="type"):
    """Text, in a prompt or an update."""

    text: str


class ImageContent(Camel, frozen=True, kw_only=True, tag="image", tag_field="type"):
    """An image in a prompt; `data` is base64."""

    data: str
    mime_type: str = ""


class AudioContent(Camel, frozen=True, kw_only=True, tag="audio", tag_field="type"):
    """Audio, which no prompt may have: the capability is not announced."""


class ResourceLink(Camel, frozen=True, kw_only=True, tag="resource_link", tag_field="type"):
    """The address of something that the model may read with its tools."""

    uri: str
    name: str = ""


class Resource(Camel, frozen=True, kw_only=True):
    """A file with its content: text, or base64 in `blob`."""

    uri: str
    text: str | None = None
    blob: str | None = None


class EmbeddedResource(Camel, frozen=True, kw_only=True, tag="resource", tag_field="type"):
    """A file in a prompt."""

    resource: Resource


PromptContent = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource


class PromptParams(Camel, frozen=True, kw_only=True):
    """`session/prompt`."""

    session_id: str
    prompt: tuple[PromptContent, ...]


class TokenCounts(Camel, frozen=True, kw_only=True):
    """The tokens of a run. `output_tokens` include `thought_tokens`."""

    total_tokens: int
    input_tokens: int
    output_tokens: int
    thought_tokens: int | None = None
    cached_read_tokens: int | None = None
    cached_write_tokens: int | None = None


class PromptResult(Camel, frozen=True, kw_only=True):
    """The response to `session/prompt`."""

    stop_reason: StopReason
    usage: TokenCounts | None = None


class Choice(Camel, frozen=True, kw_only=True):
    """A value of a configuration option."""

    value: str
    name: str


class ConfigOption(Camel, frozen=True, kw_only=True, tag="select", tag_field="type"):
    """A configuration option of a session, with its current value."""

    id: str
    name: str
    category: Literal["model", "thought_level"]
    current_value: str
    options: tuple[Choice, ...]


class SessionResult(Camel, frozen=True, kw_only=True):
    """The response to methods that open or configure a session."""

    session_id: str | None = None
    config_options: tuple[ConfigOption, ...]


class ListedSession(Camel, frozen=True, kw_only=True):
    """A session in a list. `updated_at` is in ISO 8601."""

    session_id: str
    cwd: str
    title: str
    updated_at: str


class ListResult(Camel, frozen=True, kw_only=True):
    """The response to `session/list`."""

    sessions: tuple[ListedSession, ...]


class UserMessageChunk(
    Camel, frozen=True, kw_only=True, tag="user_message_chunk", tag_field="sessionUpdate"
):
    """Text of the user, when a session is loaded."""

    content: TextContent
    message_id: str


class ThoughtChunk(
    Camel, frozen=True, kw_only=True, tag="agent_thought_chunk", tag_field="sessionUpdate"
):
    """A piece of the model's reasoning."""

    content: TextContent
    message_id: str


class MessageChunk(
    Camel, frozen=True, kw_only=True, tag="agent_message_chunk", tag_field="sessionUpdate"
):
    """A piece of the answer."""

    content: TextContent
    message_id: str


class ToolContent(Camel, frozen=True, kw_only=True, tag="content", tag_field="type"):
    """What a tool call shows."""

    content: TextContent


ToolKind = Literal["read", "search", "execute", "fetch", "other"]
ToolCallStatus = Literal["in_progress", "completed", "failed"]


class ToolCallUpdate(
    Camel, frozen=True, kw_only=True, tag="tool_call_update", tag_field="sessionUpdate"
):
    """A tool call has ended."""

    tool_call_id: str
    status: ToolCallStatus
    content: tuple[ToolContent, ...]


class ToolCallStart(Camel, frozen=True, kw_only=True, tag="tool_call", tag_field="sessionUpdate"):
    """A tool call of the server. `raw_input` are its arguments, parsed if they are JSON."""

    tool_call_id: str
    title: str
    kind: ToolKind
    status: ToolCallStatus
    raw_input: object = None
    content: tuple[ToolContent, ...] = ()


class UsageUpdate(Camel, frozen=True, kw_only=True, tag="usage_update", tag_field="sessionUpdate"):
    """How many tokens of the context window are used."""

    used: int
    size: int


class SessionInfoUpdate(
    Camel, frozen=True, kw_only=True, tag="session_info_update", tag_field="sessionUpdate"
):
    """The title of the session."""

    title: str


Update = (
    UserMessageChunk
    | ThoughtChunk
    | MessageChunk
    | ToolCallStart
    | ToolCallUpdate
    | UsageUpdate
    | SessionInfoUpdate
)


class UpdateParams(Camel, frozen=True, kw_only=True):
    """`session/update`."""

    session_id: str
    update: Update
