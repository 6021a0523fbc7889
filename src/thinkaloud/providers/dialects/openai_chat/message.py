"""Builds assistant messages to send back: as received, or rebuilt."""

from collections.abc import Sequence

import msgspec

from thinkaloud.core.parsers.inline import split
from thinkaloud.core.parsers.inline_state import Inline
from thinkaloud.core.parsers.inline_tags import BRACKETED
from thinkaloud.events.model import Origin, ProviderPayload
from thinkaloud.events.prompt import AnswerPart, AssistantTurn, ReasoningPart, ToolCallPart
from thinkaloud.providers.dialects.openai_chat.blocks import SignedBlocks
from thinkaloud.providers.dialects.openai_chat.calls import ToolCalls
from thinkaloud.providers.dialects.openai_chat.details import ReasoningDetails
from thinkaloud.providers.dialects.openai_chat.quirks import Carrier, Quirks, ReasoningBack


class Received:
    """The content of a response so far, as needed by the next request."""

    __slots__ = (
        "answer",
        "blocks",
        "carrier",
        "content",
        "details",
        "opaque",
        "reasoning",
        "signature",
        "summary",
    )

    def __init__(self) -> None:
        self.reasoning: list[str] = []
        self.answer: list[str] = []
        self.content: list[str] = []
        """The content as received, including tags."""
        self.details = ReasoningDetails()
        self.blocks = SignedBlocks("thinking")
        self.summary = SignedBlocks("text")
        self.opaque = ""
        """Copilot's `reasoning_opaque`."""
        self.carrier: Carrier = "nothing"
        """The field in which reasoning arrived; `nothing` also for inline tags."""
        self.signature = ""
        """The signature of Mistral's thinking chunk."""

    def __bool__(self) -> bool:
        return bool(self.reasoning or self.answer or self.content or self.hidden)

    @property
    def hidden(self) -> bool:
        """Whether there is reasoning that may have no text."""
        return bool(self.details or self.blocks or self.summary or self.opaque)

    def split(self, inline: Inline) -> None:
        """Move reasoning in tags out of the answer, if none arrived in a separate field."""
        if self.reasoning or self.details:
            return
        reasoning, answer = split("".join(self.answer), inline)
        if reasoning:
            self.reasoning, self.answer = [reasoning], [answer]

    def native(self, quirks: Quirks, calls: ToolCalls, origin: Origin) -> ProviderPayload | None:
        """Return the whole message, or None if it is just plain text and calls."""
        carrier = quirks.back.carrier
        if carrier == "as_received":
            carrier = self._carrier_of()
        reasoning = "".join(self.reasoning)
        fields = self._carrier_fields(carrier, quirks, reasoning)
        if not fields and not calls.extended:
            return None
        message = _message("".join(self.answer), fields or _placeholder(quirks.back, carrier))
        if calls:
            message["tool_calls"] = calls.wire()
        return ProviderPayload(origin, msgspec.Raw(msgspec.json.encode(message)))

    def _carrier_fields(
        self, carrier: Carrier, quirks: Quirks, reasoning: str
    ) -> dict[str, object]:
        if carrier == "thinking_blocks":
            return self._blocks(reasoning)
        if carrier == "content_summary" and self.summary:
            return {"content": self._parts()}
        if carrier == "reasoning_text" and self.opaque:
            return {**self._plain_fields(reasoning), "reasoning_opaque": self.opaque}
        if carrier == "reasoning_details":
            return {"reasoning_details": self.details.coalesced()} if self.details else {}
        if carrier == "tags" and reasoning and self.carrier == "nothing":
            return {"content": "".join(self.content)}
        answer = "".join(self.answer)
        return reasoning_fields(carrier, reasoning, answer, quirks, signature=self.signature)

    def _carrier_of(self) -> Carrier:
        if self.details:
            return "reasoning_details"
        if self.blocks:
            return "thinking_blocks"
        return "reasoning_text" if self.opaque else self.carrier

    def _blocks(self, reasoning: str) -> dict[str, object]:
        if not self.blocks:
            return {}
        return {**self._plain_fields(reasoning), "thinking_blocks": self.blocks.coalesced()}

    def _plain_fields(self, reasoning: str) -> dict[str, object]:
        plain = self.carrier in ("reasoning_content", "reasoning", "reasoning_text")
        return {self.carrier: reasoning} if plain and reasoning else {}

    def _parts(self) -> list[dict[str, object]]:
        answer = "".join(self.answer)
        parts: list[dict[str, object]] = [
            {"type": "reasoning", "summary": self.summary.coalesced()}
        ]
        return [*parts, {"type": "text", "text": answer}] if answer else parts


def reasoning_fields(
    carrier: Carrier, reasoning: str, answer: str, quirks: Quirks, *, signature: str = ""
) -> dict[str, object]:
    """Return the message fields for readable reasoning; empty if there is none."""
    members: dict[str, object] = {}
    if not reasoning:
        return members
    match carrier:
        case "reasoning_content" | "reasoning" | "reasoning_text":
            members[carrier] = reasoning
        case "reasoning_details":
            members[carrier] = [
                {"type": "reasoning.text", "text": reasoning, "format": "unknown", "index": 0}
            ]
        case "content_chunks":
            members["content"] = _chunks(reasoning, answer, signature)
        case "tags":
            opening, closing = quirks.inline_tags[0] if quirks.inline_tags else BRACKETED[0]
            members["content"] = f"{opening}{reasoning}{closing}{answer}"
        case "as_received" | "thinking_blocks" | "content_summary" | "nothing":
            pass
    return members


def rendered(
    turn: AssistantTurn, quirks: Quirks, ids: dict[str, str], *, after_tools: bool
) -> dict[str, object]:
    """Rebuild an assistant message from the neutral parts of a turn.

    `ids` maps tool call ids to the ids to send. `after_tools` is True if this or an earlier
    message has tool calls.
    """
    back = quirks.back
    calls = [part for part in turn.parts if isinstance(part, ToolCallPart)]
    answer = "".join(part.text for part in turn.parts if isinstance(part, AnswerPart))
    wanted = {
        "never": False,
        "tool_calls": bool(calls),
        "since_tools": after_tools,
        "all": True,
    }[back.rendered]
    members: dict[str, object] = {}
    if wanted:
        thoughts = [part.text for part in turn.parts if isinstance(part, ReasoningPart)]
        members = reasoning_fields(back.carrier, "\n\n".join(thoughts), answer, quirks)
        members = members or _placeholder(back, back.carrier)
    message = _message(answer, members, keep_empty=not calls)
    if calls:
        message["tool_calls"] = _calls(calls, quirks, ids)
    return message


def _message(
    answer: str, members: dict[str, object], *, keep_empty: bool = False
) -> dict[str, object]:
    content = answer if answer or keep_empty else None
    return {"role": "assistant", "content": content, **members}


def _placeholder(back: ReasoningBack, carrier: Carrier) -> dict[str, object]:
    if back.placeholder is None or carrier not in ("reasoning_content", "reasoning"):
        return {}
    return {carrier: back.placeholder}


def _chunks(reasoning: str, answer: str, signature: str) -> list[dict[str, object]]:
    thinking: dict[str, object] = {
        "type": "thinking",
        "thinking": [{"type": "text", "text": reasoning}],
        "closed": True,
    }
    if signature:
        thinking["signature"] = signature
    return [thinking, {"type": "text", "text": answer}] if answer else [thinking]


def _calls(
    calls: Sequence[ToolCallPart], quirks: Quirks, ids: dict[str, str]
) -> list[dict[str, object]]:
    return [
        {
            "id": ids.get(call.tool_call_id, call.tool_call_id),
            "type": "function",
            **(quirks.foreign_tool_call if place == 0 else {}),
            "function": {"name": call.name, "arguments": call.arguments or "{}"},
        }
        for place, call in enumerate(calls)
    ]
