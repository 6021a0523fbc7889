"""Earlier turns as the messages of the wire: what goes back, and in which shape.

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

Content = dict[str, object] | msgspec.Raw
_THOUGHTS: Final = frozenset({THINKING, REDACTED})
_BAD_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")

_blocks = msgspec.json.Decoder(list[msgspec.Raw])
_head = msgspec.json.Decoder(BlockHead)


class Message(msgspec.Struct):
    """One message of the wire."""

    role: Literal["user", "assistant"]
    content: list[Content]


Thoughts = Literal["all", "unasked", "none"]
"""Which thinking blocks of its own a model gets back. `unasked`: those of a model that thinks
although the request does not ask for it."""


def messages_of(
    turns: Sequence[Turn], origin: Origin | None, quirks: Quirks, *, thoughts: Thoughts
) -> list[Message]:
    """Return the messages; neighbours of one role are one message.

    Payloads of `origin` go back as they are, except for the thinking blocks that `thoughts`
    leaves out. Turns that would be empty are left out.
    """
    history = _History(origin, quirks, thinking=thoughts == "all")
    asked = max((at for at, turn in enumerate(turns) if isinstance(turn, UserTurn)), default=-1)
    for at, turn in enumerate(turns):
        match turn:
            case UserTurn():
                history.add("user", _said(turn))
            case AssistantTurn():
                kept = "all" if thoughts == "unasked" and at > asked else thoughts
                history.add("assistant", history.answered(turn, kept))
            case ToolTurn():
                history.add("user", [history.result(result) for result in turn.results])
            case _:
                assert_never(turn)
    return history.messages


def opens_with_thinking(messages: Sequence[Message]) -> bool:
    """Whether the assistant turn at work, if there is one, begins with a thinking block.

    It begins after the last message that holds more than tool results.
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
        self._renamed: dict[str, str] = {}

    def add(self, role: Literal["user", "assistant"], content: list[Content]) -> None:
        if not content:
            return
        if self.messages and self.messages[-1].role == role:
            self.messages[-1].content.extend(content)
        else:
            self.messages.append(Message(role, content))

    def answered(self, turn: AssistantTurn, thoughts: Thoughts) -> list[Content]:
        if turn.native is not None and turn.native.origin == self._origin:
            return self._own(turn.native, thoughts)
        return self._foreign(turn)

    def result(self, result: ToolResult) -> Content:
        call = self._renamed.get(result.tool_call_id, result.tool_call_id)
        block: dict[str, object] = {
            "type": "tool_result",
            "tool_use_id": call,
            "content": result.content,
        }
        if result.is_error:
            block["is_error"] = True
        return block

    def _own(self, native: ProviderPayload, thoughts: Thoughts) -> list[Content]:
        content: list[Content] = []
        for raw in _blocks.decode(bytes(native.payload)):
            head = _head.decode(bytes(raw))
            # The wire itself sends blank texts and refuses to take them back.
            blank = head.type == TEXT and not (head.text or "").strip()
            unwanted = head.type in _THOUGHTS and not _goes_back(head, thoughts)
            if not blank and not unwanted:
                content.append(raw)
        # Nor may a message end in a thought, which the token limit can have cut.
        while content and _kind(content[-1]) in _THOUGHTS:
            content.pop()
        return content

    def _foreign(self, turn: AssistantTurn) -> list[Content]:
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
            "id": self._id(part.tool_call_id),
            "name": part.name,
            "input": as_input(part.arguments),
        }

    def _id(self, issued: str) -> str:
        """Return an id that the wire accepts; another provider's may have other characters."""
        clean = _BAD_ID.sub("_", issued) or "call"
        if clean == issued:
            return issued
        taken = set(self._renamed.values()) - {self._renamed.get(issued, "")}
        while clean in taken:
            clean += "_"
        self._renamed[issued] = clean
        return clean


def _goes_back(thought: BlockHead, thoughts: Thoughts) -> bool:
    # Claude does not think unasked, and signs every thought: an unsigned one comes from a model
    # that thinks anyway and may demand it back (Kimi, GLM).
    unsigned = thought.type == THINKING and not thought.signature
    return thoughts == "all" or (thoughts == "unasked" and unsigned)


def _said(turn: UserTurn) -> list[Content]:
    content: list[Content] = [_image(image) for image in turn.images]
    if turn.text:
        content.append({"type": "text", "text": turn.text})
    return content


def _image(image: Image) -> Content:
    source = {"type": "base64", "media_type": image.media_type, "data": image.base64}
    return {"type": "image", "source": source}


def _only_results(content: Sequence[Content]) -> bool:
    return all(_kind(block) == "tool_result" for block in content)


def _kind(block: Content) -> str:
    if isinstance(block, dict):
        return str(block["type"])
    return _head.decode(bytes(block)).type or ""
