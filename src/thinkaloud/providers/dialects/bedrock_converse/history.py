"""Converts earlier turns to messages.

Source: Amazon Bedrock Runtime API reference, `Message`, `ContentBlock`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, assert_never

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.model import Origin, ProviderPayload
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    Image,
    ReasoningPart,
    ToolCallPart,
    ToolResult,
    ToolTurn,
    Turn,
    UserTurn,
)
from thinkaloud.providers.dialects.bedrock_converse.blocks import as_input
from thinkaloud.providers.dialects.bedrock_converse.quirks import Quirks
from thinkaloud.providers.dialects.block_history import CallIds, Content, Message, append
from thinkaloud.providers.dialects.raw_json import items_of

_BAD_ID: Final = re.compile(r"[^a-zA-Z0-9_.:-]")
_FORMATS: Final = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
_NOTHING: Final = "(no output)"

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def messages_of(
    turns: Iterable[Turn], origin: Origin | None, quirks: Quirks, *, reasoning: bool
) -> list[Message]:
    """Return the messages, with consecutive messages of one role merged.

    Payloads of `origin` are sent back unchanged, without their reasoning if `reasoning` is False.
    Turns that are empty or have only reasoning are left out, because the API rejects them.
    Raises `InvalidRequest` for an image type that the API does not support.
    """
    history = _History(origin, quirks, reasoning=reasoning and quirks.sends_reasoning)
    for turn in turns:
        match turn:
            case UserTurn():
                append(history.messages, "user", _user_content(turn))
            case AssistantTurn():
                append(history.messages, "assistant", history.assistant_content(turn))
            case ToolTurn():
                append(
                    history.messages, "user", [history.result(result) for result in turn.results]
                )
            case _:
                assert_never(turn)
    return history.messages


def opens_with_reasoning(messages: Sequence[Message]) -> bool:
    """Whether the current assistant turn, if there is one, starts with reasoning.

    The turn starts after the last user message with content other than tool results.
    """
    first: Message | None = None
    for message in reversed(messages):
        if message.role == "assistant":
            first = message
        elif any(_kind(block) != "toolResult" for block in message.content):
            break
    return first is None or _kind(first.content[0]) == "reasoningContent"


class _History:
    def __init__(self, origin: Origin | None, quirks: Quirks, *, reasoning: bool) -> None:
        self.messages: list[Message] = []
        self._origin = origin
        self._quirks = quirks
        self._reasoning = reasoning
        self._ids = CallIds(_BAD_ID)

    def assistant_content(self, turn: AssistantTurn) -> list[Content]:
        if turn.native is not None and turn.native.origin == self._origin:
            return self._native_content(turn.native)
        return self._converted_content(turn)

    def result(self, result: ToolResult) -> Content:
        text = result.content if result.content.strip() else _NOTHING
        fields: dict[str, object] = {
            "toolUseId": self._ids.of_result(result.tool_call_id),
            "content": [{"text": text}],
        }
        if self._quirks.tool_status:
            fields["status"] = "error" if result.is_error else "success"
        return {"toolResult": fields}

    def _native_content(self, native: ProviderPayload) -> list[Content]:
        content: list[Content] = []
        for raw in items_of(native.payload):
            reasons = _kind(raw) == "reasoningContent"
            if not _is_blank(raw) and (self._reasoning or not reasons):
                content.append(raw)
        while content and _kind(content[-1]) == "reasoningContent":
            content.pop()
        return content

    def _converted_content(self, turn: AssistantTurn) -> list[Content]:
        content: list[Content] = []
        for part in turn.parts:
            match part:
                case ReasoningPart():
                    pass
                case AnswerPart():
                    if part.text.strip():
                        content.append({"text": part.text})
                case ToolCallPart():
                    content.append(self._call(part))
                case _:
                    assert_never(part)
        return content

    def _call(self, part: ToolCallPart) -> Content:
        call = {
            "toolUseId": self._ids.of_call(part.tool_call_id),
            "name": part.name,
            "input": as_input(part.arguments),
        }
        return {"toolUse": call}


def _user_content(turn: UserTurn) -> list[Content]:
    content: list[Content] = [_image(image) for image in turn.images]
    if turn.text:
        content.append({"text": turn.text})
    return content


def _image(image: Image) -> Content:
    shape = _FORMATS.get(image.media_type)
    if shape is None:
        raise InvalidRequest(
            f"Bedrock does not support images of type {image.media_type}.", field="image_path"
        )
    return {"image": {"format": shape, "source": {"bytes": image.base64}}}


def _kind(block: Content) -> str:
    """Return the type of a block: the name of its only field."""
    members = block if isinstance(block, dict) else _fields.decode(block)
    return next(iter(members), "")


def _is_blank(raw: msgspec.Raw) -> bool:
    # The provider sends blank texts, but does not accept them back.
    text = _fields.decode(raw).get("text")
    return text is not None and not msgspec.json.decode(text, type=str).strip()
