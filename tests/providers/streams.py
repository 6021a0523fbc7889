"""One hand-made stream in every dialect: reasoning, an answer, and optionally a tool call."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tests.providers.anthropic_messages import wires as anthropic
from tests.providers.bedrock_converse import wires as converse
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.dialects.registry import load_dialect
from thinkaloud.providers.hosts.host import BuiltInDialect
from thinkaloud.providers.target import Target

SSE = "text/event-stream"
FRAMES = "application/vnd.amazon.eventstream"
NDJSON = "application/x-ndjson"


class ResponseText(NamedTuple):
    """The content of a hand-made response, in the pieces that are sent."""

    reasoning: Sequence[str] = ()
    answer: Sequence[str] = ()
    call: Sequence[str] | None = None
    """The arguments of a call of the tool `look_up`, which nobody has; JSON in pieces."""


class Wire(NamedTuple):
    """How a dialect's hand-made stream is written."""

    dialect: BuiltInDialect
    content_type: str
    events: Callable[[ResponseText], list[bytes]]
    """Each event of the wire as its bytes, including the end marker."""

    def body(self, response: ResponseText) -> bytes:
        return b"".join(self.events(response))

    def decoder(self, **quirks: object) -> Decoder:
        return decoder(self.dialect, self.content_type, **quirks)


def decoder(dialect: BuiltInDialect, content_type: str, **quirks: object) -> Decoder:
    """Return a decoder of the plain dialect, or with a host's quirks."""
    target = Target("lab", dialect, "https://lab.test/v1", "m-1", quirks=quirks)
    return load_dialect(dialect)(target).decoder(content_type)


def _data(events: Iterable[object]) -> list[bytes]:
    return [b"data: %b\n\n" % json.dumps(e, ensure_ascii=False).encode() for e in events]


def _named(events: Iterable[dict[str, Any]], key: str) -> list[bytes]:
    return [
        b"event: %b\n%b" % (event[key].encode(), data)
        for event in events
        for data in _data([event])
    ]


def _openai_chat(response: ResponseText, field: str = "reasoning_content") -> list[bytes]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{field: text} for text in response.reasoning]
    deltas += [{"content": text} for text in response.answer]
    if response.call is not None:
        function = {"name": "look_up", "arguments": ""}
        deltas.append({"tool_calls": [{"index": 0, "id": "call_a", "function": function}]})
        functions = [{"arguments": piece} for piece in response.call]
        deltas += [{"tool_calls": [{"index": 0, "function": each}]} for each in functions]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000}
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    reason = "stop" if response.call is None else "tool_calls"
    choices.append({"index": 0, "delta": {}, "finish_reason": reason})
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 12,
        "total_tokens": 21,
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    chunks = [{**head, "model": "m-1", "choices": [choice]} for choice in choices]
    chunks.append({**head, "model": "m-1", "choices": [], "usage": usage})
    return [*_data(chunks), b"data: [DONE]\n\n"]


def _inline(response: ResponseText) -> list[bytes]:
    """Reasoning as `<think>` inside the content, its tags cut as tokens are."""
    tagged = ["<th", "ink>", *response.reasoning, "</", "think>"] if response.reasoning else []
    return _openai_chat(ResponseText((), [*tagged, *response.answer], response.call))


def _anthropic(response: ResponseText) -> list[bytes]:
    events = [anthropic.start(), anthropic.PING]
    if response.reasoning:
        events += anthropic.thinking(0, *response.reasoning)
    if response.answer:
        events += anthropic.text(1, *response.answer)
    if response.call is not None:
        events += anthropic.tool(2, "toolu_a", "look_up", *response.call)
    events += anthropic.stop("end_turn" if response.call is None else "tool_use")
    return _named(events, "type")


def _responses(response: ResponseText) -> list[bytes]:
    output: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = [{"type": "response.created", "response": {"id": "resp_1"}}]
    items = [("reasoning", response.reasoning), ("message", response.answer)]
    for kind, texts in items:
        if not texts:
            continue
        index = len(output)
        place = {"output_index": index, "item_id": f"it_{index}"}
        events.append(_item_event("added", index, {"type": kind, "id": f"it_{index}"}))
        name = "reasoning_summary_text" if kind == "reasoning" else "output_text"
        part = {"summary_index": 0} if kind == "reasoning" else {"content_index": 0}
        events += [
            {"type": f"response.{name}.delta", **place, **part, "delta": text} for text in texts
        ]
        whole = "".join(texts)
        if kind == "reasoning":
            more: dict[str, Any] = {"summary": [{"type": "summary_text", "text": whole}]}
        else:
            more = {"role": "assistant", "content": [{"type": "output_text", "text": whole}]}
        output.append({"type": kind, "id": f"it_{index}", "status": "completed", **more})
        events.append(_item_event("done", index, output[-1]))
    if response.call is not None:
        index = len(output)
        call = {"type": "function_call", "id": "fc_1", "call_id": "call_a", "name": "look_up"}
        events.append(_item_event("added", index, {**call, "arguments": ""}))
        place = {"output_index": index, "item_id": "fc_1"}
        kind = "response.function_call_arguments.delta"
        events += [{"type": kind, **place, "delta": piece} for piece in response.call]
        output.append({**call, "status": "completed", "arguments": "".join(response.call)})
        events.append(_item_event("done", index, output[-1]))
    usage = {
        "input_tokens": 9,
        "output_tokens": 12,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 21,
    }
    body = {"id": "resp_1", "status": "completed", "output": output, "usage": usage}
    events.append({"type": "response.completed", "response": body})
    for number, event in enumerate(events):
        event["sequence_number"] = number
    return _named(events, "type")


def _item_event(kind: str, index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"response.output_item.{kind}", "output_index": index, "item": item}


def _generate(response: ResponseText) -> list[bytes]:
    parts: list[dict[str, Any]] = [{"text": text, "thought": True} for text in response.reasoning]
    parts += [{"text": text} for text in response.answer]
    if response.call is not None:
        call = {"name": "look_up", "args": json.loads("".join(response.call))}
        parts.append({"functionCall": call, "thoughtSignature": "c2ln"})
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 7, "thoughtsTokenCount": 5}
    chunks: list[dict[str, Any]] = [
        {"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}]}
        for part in [*parts, {"text": ""}]
    ]
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    chunks[-1]["usageMetadata"] = usage
    return [data.replace(b"\n\n", b"\r\n\r\n") for data in _data(chunks)]


def _interactions(response: ResponseText) -> list[bytes]:
    steps: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if response.reasoning:
        thoughts = [{"type": "text", "text": text} for text in response.reasoning]
        deltas = [{"type": "thought_summary", "content": thought} for thought in thoughts]
        deltas.append({"type": "thought_signature", "signature": "c2ln"})
        steps.append(({"type": "thought"}, deltas))
    if response.answer:
        texts = [{"type": "text", "text": text} for text in response.answer]
        steps.append(({"type": "model_output"}, texts))
    if response.call is not None:
        call = {"type": "function_call", "id": "call_a", "name": "look_up", "arguments": {}}
        pieces = [{"type": "arguments_delta", "arguments": piece} for piece in response.call]
        steps.append((call, pieces))
    events: list[dict[str, Any]] = []
    for index, (step, deltas) in enumerate(steps):
        events.append({"event_type": "step.start", "index": index, "step": step})
        events += [{"event_type": "step.delta", "index": index, "delta": d} for d in deltas]
        events.append({"event_type": "step.stop", "index": index})
    usage = {"total_input_tokens": 9, "total_output_tokens": 7, "total_thought_tokens": 5}
    status = "completed" if response.call is None else "requires_action"
    interaction = {"status": status, "usage": usage}
    events.append({"event_type": "interaction.completed", "interaction": interaction})
    return [*_named(events, "event_type"), b"event: done\ndata: [DONE]\n\n"]


def _converse(response: ResponseText) -> list[bytes]:
    events = [converse.message_start()]
    if response.reasoning:
        events += converse.reasoning(0, *response.reasoning)
    if response.answer:
        events += converse.text(1, *response.answer)
    if response.call is not None:
        events += converse.tool(2, "tooluse_a", "look_up", *response.call)
    events += converse.stop("end_turn" if response.call is None else "tool_use")
    return [converse.wire(event) for event in events]


def _cohere(response: ResponseText) -> list[bytes]:
    def event(kind: str, index: int | None, **message: Any) -> dict[str, Any]:
        place = {} if index is None else {"index": index}
        return {"type": kind, **place, "delta": {"message": message}}

    events = [event("message-start", None, role="assistant", content=[])]
    for index, (kind, texts) in enumerate(
        [("thinking", response.reasoning), ("text", response.answer)]
    ):
        if texts:
            events.append(event("content-start", index, content={"type": kind, kind: ""}))
            events += [event("content-delta", index, content={kind: text}) for text in texts]
            events.append({"type": "content-end", "index": index})
    if response.call is not None:
        function: dict[str, str] = {"name": "look_up", "arguments": ""}
        call = {"id": "call_a", "type": "function", "function": function}
        events.append(event("tool-call-start", 0, tool_calls=call))
        pieces = [{"function": {"arguments": piece}} for piece in response.call]
        events += [event("tool-call-delta", 0, tool_calls=piece) for piece in pieces]
        events.append({"type": "tool-call-end", "index": 0})
    tokens = {"input_tokens": 9, "output_tokens": 12, "reasoning_tokens": 5}
    reason = "COMPLETE" if response.call is None else "TOOL_CALL"
    end = {"finish_reason": reason, "usage": {"tokens": tokens}}
    events.append({"type": "message-end", "delta": end})
    return [*_named(events, "type"), b"data: [DONE]\n\n"]


def _ollama(response: ResponseText) -> list[bytes]:
    messages: list[dict[str, Any]] = [
        {"content": "", "thinking": text} for text in response.reasoning
    ]
    messages += [{"content": text} for text in response.answer]
    if response.call is not None:
        function = {"name": "look_up", "arguments": json.loads("".join(response.call))}
        messages.append({"content": "", "tool_calls": [{"function": function}]})
    head = {"model": "m-1", "created_at": "2026-01-01T00:00:00Z"}
    lines = [
        {**head, "message": {"role": "assistant", **message}, "done": False} for message in messages
    ]
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 12}
    lines.append({**head, "message": {"role": "assistant", "content": ""}, **end})
    return [json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines]


WIRES = {
    "openai-chat": Wire("openai-chat", SSE, _openai_chat),
    "openai-chat (tags)": Wire("openai-chat", SSE, _inline),
    "openai-responses": Wire("openai-responses", SSE, _responses),
    "anthropic-messages": Wire("anthropic-messages", SSE, _anthropic),
    "google-generate": Wire("google-generate", SSE, _generate),
    "google-interactions": Wire("google-interactions", SSE, _interactions),
    "bedrock-converse": Wire("bedrock-converse", FRAMES, _converse),
    "cohere-chat": Wire("cohere-chat", SSE, _cohere),
    "ollama-chat": Wire("ollama-chat", NDJSON, _ollama),
}
"""Every dialect, by name; `openai-chat (tags)` has its reasoning in tags inside the content."""
