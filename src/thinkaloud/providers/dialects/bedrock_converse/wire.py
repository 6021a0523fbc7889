"""The parts of the Converse JSON that are read. Every field is optional.

Source: Amazon Bedrock Runtime API reference, `ConverseStream` and `Converse`.
"""

from typing import Final

import msgspec

from thinkaloud.providers.dialects.raw_json import ABSENT


class Reasoning(msgspec.Struct, rename="camel"):
    """`reasoningContent` of a delta: one of these."""

    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class ToolInput(msgspec.Struct):
    """`toolUse` of a delta."""

    input: str | None = None


class Delta(msgspec.Struct, rename="camel"):
    """`delta` of a `contentBlockDelta`."""

    text: str | None = None
    reasoning_content: Reasoning | None = None
    tool_use: ToolInput | None = None
    tool_result: list[msgspec.Raw] | None = None


class ToolUse(msgspec.Struct, rename="camel"):
    """A tool call; `type` is `server_tool_use` if the provider runs it."""

    tool_use_id: str | None = None
    name: str | None = None
    type: str | None = None
    input: msgspec.Raw = ABSENT


class ToolResult(msgspec.Struct, rename="camel"):
    """The result of a tool that the provider ran."""

    type: str | None = None


class Start(msgspec.Struct, rename="camel"):
    """`start` of a `contentBlockStart`: one of these."""

    tool_use: msgspec.Raw = ABSENT
    tool_result: msgspec.Raw = ABSENT


class Event(msgspec.Struct, rename="camel"):
    """Any event of the stream."""

    content_block_index: int | None = None
    start: Start | None = None
    delta: Delta | None = None
    stop_reason: str | None = None
    usage: dict[str, object] | None = None


class ReasoningText(msgspec.Struct):
    """Readable reasoning in a whole message."""

    text: str | None = None


class WholeReasoning(msgspec.Struct, rename="camel"):
    """`reasoningContent` of a complete message."""

    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class Block(msgspec.Struct, rename="camel"):
    """A content block of a complete message: one of these."""

    text: str | None = None
    reasoning_content: WholeReasoning | None = None
    tool_use: ToolUse | None = None
    tool_result: ToolResult | None = None


class Message(msgspec.Struct):
    """The message of a complete response."""

    content: list[msgspec.Raw] | None = None


class Output(msgspec.Struct):
    """`output` of a complete response."""

    message: Message | None = None


class Response(msgspec.Struct, rename="camel"):
    """A response that was not streamed."""

    output: Output | None = None
    stop_reason: str | None = None
    usage: dict[str, object] | None = None


UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""The exceptions that decoding raises for unexpected input."""
