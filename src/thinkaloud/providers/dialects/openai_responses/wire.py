"""The events and items of the Responses API that are read. Unknown fields are ignored.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from typing import get_args

import msgspec

Index = int
"""An `output_index`. -1 if a host omits it: the most recently started item."""


class OutputTextDelta(msgspec.Struct, frozen=True, tag="response.output_text.delta", gc=False):
    """A piece of an answer's text."""

    delta: str
    output_index: Index = -1
    content_index: int = 0


class OutputTextDone(msgspec.Struct, frozen=True, tag="response.output_text.done", gc=False):
    """The whole text of one part of an answer."""

    text: str
    output_index: Index = -1
    content_index: int = 0


class SummaryDelta(
    msgspec.Struct, frozen=True, tag="response.reasoning_summary_text.delta", gc=False
):
    """A piece of a reasoning summary."""

    delta: str
    output_index: Index = -1
    summary_index: int = 0


class SummaryDone(
    msgspec.Struct, frozen=True, tag="response.reasoning_summary_text.done", gc=False
):
    """The whole text of one part of a summary."""

    text: str
    output_index: Index = -1
    summary_index: int = 0


class ReasoningDelta(msgspec.Struct, frozen=True, tag="response.reasoning_text.delta", gc=False):
    """A piece of the reasoning itself."""

    delta: str
    output_index: Index = -1
    content_index: int = 0


class ReasoningDone(msgspec.Struct, frozen=True, tag="response.reasoning_text.done", gc=False):
    """The whole text of one part of the reasoning itself."""

    text: str
    output_index: Index = -1
    content_index: int = 0


class RefusalDelta(msgspec.Struct, frozen=True, tag="response.refusal.delta", gc=False):
    """A piece of a refusal, which the model sends instead of an answer."""

    delta: str


class RefusalDone(msgspec.Struct, frozen=True, tag="response.refusal.done", gc=False):
    """The whole refusal."""

    refusal: str


class ArgumentsDelta(
    msgspec.Struct, frozen=True, tag="response.function_call_arguments.delta", gc=False
):
    """A piece of a tool call's arguments."""

    delta: str
    output_index: Index = -1


class ArgumentsDone(
    msgspec.Struct, frozen=True, tag="response.function_call_arguments.done", gc=False
):
    """The complete arguments of a tool call."""

    arguments: msgspec.Raw
    output_index: Index = -1


class ItemAdded(msgspec.Struct, frozen=True, tag="response.output_item.added"):
    """An output item starts. Its opaque fields are not valid yet."""

    item: msgspec.Raw
    output_index: Index = -1


class ItemDone(msgspec.Struct, frozen=True, tag="response.output_item.done"):
    """An output item is complete. Only here are its opaque fields valid."""

    item: msgspec.Raw
    output_index: Index = -1


class ResponseBody(msgspec.Struct, frozen=True):
    """A response object, from the end of a stream or not streamed at all."""

    status: str | None = None
    output: list[msgspec.Raw] | None = None
    usage: object = None
    error: object = None
    incomplete_details: object = None


class Completed(msgspec.Struct, frozen=True, tag="response.completed"):
    """The response completed normally."""

    response: ResponseBody


class Done(msgspec.Struct, frozen=True, tag="response.done"):
    """The response ended; its status says how."""

    response: ResponseBody


class Incomplete(msgspec.Struct, frozen=True, tag="response.incomplete"):
    """The response was cut short by a limit or a filter."""

    response: ResponseBody


class Failed(msgspec.Struct, frozen=True, tag="response.failed"):
    """The response failed."""

    response: ResponseBody


class Cancelled(msgspec.Struct, frozen=True, tag="response.cancelled"):
    """The response was cancelled on the provider's side."""

    response: ResponseBody


Last = Completed | Done | Incomplete | Failed | Cancelled
"""The events that end a response."""

Rare = (
    OutputTextDone
    | SummaryDone
    | ReasoningDone
    | ArgumentsDone
    | RefusalDelta
    | RefusalDone
    | ItemAdded
    | ItemDone
    | Last
)
"""The events that occur at most once per item."""

Event = OutputTextDelta | SummaryDelta | ReasoningDelta | ArgumentsDelta | Rare
"""All events that are read. Any other counts as a keepalive."""

READ = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Event))
"""The names of the events that are read."""


class Head(msgspec.Struct, frozen=True):
    """Fields common to all events. Errors have the type `error`, or none."""

    type: object = None
    error: object = None
    output: list[msgspec.Raw] | None = None
    """The output of a response object, which is not an event."""


class ItemHead(msgspec.Struct, frozen=True):
    """Fields common to all items."""

    type: str = ""
    status: object = None


class CallItem(msgspec.Struct, frozen=True):
    """A call of one of our tools."""

    name: str | None = None
    call_id: str | None = None
    arguments: msgspec.Raw = msgspec.Raw(b"null")


class Part(msgspec.Struct, frozen=True, gc=False):
    """A part of a message, of reasoning or of a summary."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None


class MessageItem(msgspec.Struct, frozen=True):
    """An answer."""

    content: list[Part] | str | None = None


class ReasoningItem(msgspec.Struct, frozen=True):
    """Reasoning: its text, a summary, an opaque block, or none of them."""

    content: list[Part] | None = None
    summary: list[Part] | None = None


events = msgspec.json.Decoder(Event)
heads = msgspec.json.Decoder(Head)
item_heads = msgspec.json.Decoder(ItemHead)
calls = msgspec.json.Decoder(CallItem)
messages = msgspec.json.Decoder(MessageItem)
reasonings = msgspec.json.Decoder(ReasoningItem)
bodies = msgspec.json.Decoder(ResponseBody)


def argument_text(raw: msgspec.Raw) -> str:
    """Return a call's arguments as text: the string as received, or an object as compact JSON.

    Raises `msgspec.DecodeError` if they are not JSON.
    """
    data = bytes(raw)
    if data == b"null":
        return ""
    if data.startswith(b'"'):
        return msgspec.json.decode(data, type=str)
    return msgspec.json.format(data, indent=-1).decode()


def named(name: bytes, data: bytes) -> bytes:
    """Return an event with its name as the type, for data without a type."""
    members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**members, "type": name.decode()})
