"""Converts earlier turns to messages.

Source: Anthropic API reference, "Extended thinking" (preserving thinking blocks), "Tool use".
"""

import re
from collections.abc import Sequence
from typing import Final, Literal, assert_never

import msgspec

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
from thinkaloud.providers.dialects.anthropic_messages.blocks import (
    REDACTED,
    TEXT,
    THINKING,
    as_input,
)
from thinkaloud.providers.dialects.anthropic_messages.quirks import Quirks
from thinkaloud.providers.dialects.anthropic_messages.wire import BlockHead
from thinkaloud.providers.dialects.block_history import CallIds, Content, Message, append

_THOUGHTS: Final = frozenset({THINKING, REDACTED})
_BAD_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")

_blocks = msgspec.json.Decoder(list[msgspec.Raw])
_head = msgspec.json.Decoder(BlockHead)


Thoughts = Literal["all", "unasked", "none"]
"""Which of a model's own thinking blocks are sent back. `unasked`: those of a model that thinks
even if the request does not ask for it."""


def messages_of(
    turns: Sequence[Turn], origin: Origin | None, quirks: Quirks, *, thoughts: Thoughts
) -> list[Message]:
    """Return the messages; consecutive messages of one role are merged.

    Payloads of `origin` are sent back unchanged, except for the thinking blocks that `thoughts`
    excludes. Empty turns are left out.
    """
    history = _History(origin, quirks, thinking=thoughts == "all")
    asked = max((at for at, turn in enumerate(turns) if isinstance(turn, UserTurn)), default=-1)
    for at, turn in enumerate(turns):
        match turn:
            case UserTurn():
                append(history.messages, "user", _user_content(turn))
            case AssistantTurn():
                kept = "all" if thoughts == "unasked" and at > asked else thoughts
                append(history.messages, "assistant", history.assistant_content(turn, kept))
            case ToolTurn():
                append(
                    history.messages, "user", [history.result(result) for result in turn.results]
                )
            case _:
                assert_never(turn)
    return history.messages


def opens_with_thinking(messages: Sequence[Message]) -> bool:
    """Whether the current assistant turn, if there is one, starts with a thinking block.

    The turn starts after the last user message with content other than tool results.
    """
    first: Message | None = None
    for message in reversed(messages):
        if message.role == "assistant":
            first = message
        elif not _only_results(message.content):
            break
    return first is None or _kind(first.content[0]) in _THOUGHTS


class _History:
    def __init__(self, origin: Origin | None, quirks: Quirks, *, thinking: bool) -> None:
        self.messages: list[Message] = []
        self._origin = origin
        self._quirks = quirks
        self._thinking = thinking
        self._ids = CallIds(_BAD_ID)

    def assistant_content(self, turn: AssistantTurn, thoughts: Thoughts) -> list[Content]:
        if turn.native is not None and turn.native.origin == self._origin:
            return self._native_content(turn.native, thoughts)
        return self._converted_content(turn)

    def result(self, result: ToolResult) -> Content:
        call = self._ids.of_result(result.tool_call_id)
        block: dict[str, object] = {
            "type": "tool_result",
            "tool_use_id": call,
            "content": _result_content(result),
        }
        if result.is_error:
            block["is_error"] = True
        return block

    def _native_content(self, native: ProviderPayload, thoughts: Thoughts) -> list[Content]:
        content: list[Content] = []
        for raw in _blocks.decode(bytes(native.payload)):
            head = _head.decode(bytes(raw))
            # The provider sends blank texts, but does not accept them back.
            blank = head.type == TEXT and not (head.text or "").strip()
            unwanted = head.type in _THOUGHTS and not _is_sent_back(head, thoughts)
            if not blank and not unwanted:
                content.append(raw)
        # A message must not end with thinking, which happens if the token limit cuts it off.
        while content and _kind(content[-1]) in _THOUGHTS:
            content.pop()
        return content

    def _converted_content(self, turn: AssistantTurn) -> list[Content]:
        content: list[Content] = []
        thoughts: list[str] = []
        calls = False
        for part in turn.parts:
            match part:
                case ReasoningPart():
                    thoughts.append(part.text)
                case AnswerPart():
                    if part.text.strip():
                        content.append({"type": "text", "text": part.text})
                case ToolCallPart():
                    calls = True
                    content.append(self._call(part))
                case _:
                    assert_never(part)
        if calls and self._quirks.unsigned and self._thinking:
            content.insert(0, {"type": "thinking", "thinking": "".join(thoughts)})
        return content

    def _call(self, part: ToolCallPart) -> Content:
        return {
            "type": "tool_use",
            "id": self._ids.of_call(part.tool_call_id),
            "name": part.name,
            "input": as_input(part.arguments),
        }


def _is_sent_back(thought: BlockHead, thoughts: Thoughts) -> bool:
    # Claude does not think unasked, and signs all thinking: an unsigned block is from a model
    # that always thinks and may require it back (Kimi, GLM).
    unsigned = thought.type == THINKING and not thought.signature
    return thoughts == "all" or (thoughts == "unasked" and unsigned)


def _user_content(turn: UserTurn) -> list[Content]:
    content: list[Content] = [_image(image) for image in turn.images]
    if turn.text:
        content.append({"type": "text", "text": turn.text})
    return content


def _result_content(result: ToolResult) -> object:
    if not result.images:
        return result.content
    text: list[Content] = [{"type": "text", "text": result.content}] if result.content else []
    return [*text, *map(_image, result.images)]


def _image(image: Image) -> Content:
    source = {"type": "base64", "media_type": image.media_type, "data": image.base64}
    return {"type": "image", "source": source}


def _only_results(content: Sequence[Content]) -> bool:
    return all(_kind(block) == "tool_result" for block in content)


def _kind(block: Content) -> str:
    if isinstance(block, dict):
        return str(block["type"])
    return _head.decode(bytes(block)).type or ""
