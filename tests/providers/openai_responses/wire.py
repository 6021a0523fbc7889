"""Hand-made streams of every variant of the Responses API, and their decoding."""

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from thinkaloud.events.model import AnswerText, Keepalive, ModelEvent, ReasoningText
from thinkaloud.ports.model import Dialect
from thinkaloud.providers.dialects.openai_responses import bind
from thinkaloud.providers.target import Family, Target

BASE = "https://host.test/v1"


def dialect(family: Family | None = None, **quirks: object) -> Dialect:
    """The dialect with a host's quirks."""
    family = family or Family(name="f", reasons="optional", shows="text", images=True)
    return bind(Target("host", "openai-responses", BASE, "model-1", family, quirks))


def sse(*events: dict[str, Any] | str) -> bytes:
    """Events as Server-Sent Events; a string stands for itself."""
    lines = [e if isinstance(e, str) else f"data: {json.dumps(e)}\n\n" for e in events]
    return "".join(lines).encode()


def decode(
    body: bytes | Iterable[bytes], content_type: str = "text/event-stream", **quirks: object
) -> list[ModelEvent]:
    """All events of a response, fed in one piece or in these."""
    decoder = dialect(**quirks).decoder(content_type)
    chunks = [body] if isinstance(body, bytes) else body
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.close()


def normalized(events: Sequence[ModelEvent]) -> list[ModelEvent]:
    """What must not depend on the cuts: keepalives aside, pieces of one text joined."""
    joined: list[ModelEvent] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, Keepalive):
            continue
        if isinstance(event, AnswerText) and isinstance(last, AnswerText):
            joined[-1] = AnswerText(last.text + event.text)
        elif (
            isinstance(event, ReasoningText)
            and isinstance(last, ReasoningText)
            and last.part == event.part
        ):
            joined[-1] = ReasoningText(last.text + event.text, event.part)
        else:
            joined.append(event)
    return joined


def cut(body: bytes, at: Iterable[int]) -> list[bytes]:
    """The body in pieces that end at these places."""
    bounds = [0, *sorted({place % (len(body) + 1) for place in at}), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(bounds)]


def payload(native: Any) -> list[dict[str, Any]]:
    """A native payload as Python values."""
    return msgspec.json.decode(native.payload)


def added(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def delta(kind: str, index: int, text: str, **more: object) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "output_index": index, "delta": text, **more}


def end(kind: str = "completed", **response: object) -> dict[str, Any]:
    return {"type": f"response.{kind}", "response": {"status": kind, "output": [], **response}}


USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 19,
}

RS_ADDED = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "early"}
RS = {
    "type": "reasoning",
    "id": "rs_1",
    "status": "completed",
    "summary": [
        {"type": "summary_text", "text": "Añade."},
        {"type": "summary_text", "text": "Weigh."},
    ],
    "encrypted_content": "late/+\\u003d==",
}
FC = {
    "type": "function_call",
    "id": "fc_1",
    "status": "completed",
    "call_id": "call_a",
    "name": "look",
    "arguments": '{"at":"ñ"}',
}
MSG = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "assistant",
    "phase": "final_answer",
    "content": [{"type": "output_text", "text": "Hi 👋.", "annotations": [], "logprobs": []}],
}

OPENAI_TOOL = sse(
    {"type": "response.created", "response": {"status": "in_progress"}},
    added(0, RS_ADDED),
    delta("reasoning_summary_text", 0, "Aña", summary_index=0, obfuscation="xx"),
    delta("reasoning_summary_text", 0, "de.", summary_index=0),
    {
        "type": "response.reasoning_summary_text.done",
        "output_index": 0,
        "summary_index": 0,
        "text": "Añade.",
    },
    delta("reasoning_summary_text", 0, "Weigh.", summary_index=1),
    done(0, RS),
    added(1, {**FC, "arguments": "", "status": "in_progress"}),
    delta("function_call_arguments", 1, '{"at":'),
    delta("function_call_arguments", 1, '"ñ"}'),
    {
        "type": "response.function_call_arguments.done",
        "output_index": 1,
        "arguments": FC["arguments"],
    },
    done(1, FC),
    end(output=[RS, FC], usage=USAGE),
)

RAW = {
    "type": "reasoning",
    "id": "r1",
    "status": "completed",
    "summary": [],
    "content": [{"type": "reasoning_text", "text": "We count."}],
}
OPENROUTER_LATE = sse(
    ": OPENROUTER PROCESSING\n\n",
    added(0, {"type": "reasoning", "id": "rs_tmp", "summary": []}),
    delta("reasoning_text", 0, "We ", content_index=0),
    delta("reasoning_text", 0, "count.", content_index=0),
    added(1, {"type": "message", "id": "msg_tmp", "role": "assistant", "content": []}),
    delta("output_text", 1, "Hi ", content_index=0),
    delta("output_text", 1, "👋.", content_index=0),
    done(1, MSG),
    {
        "type": "response.reasoning_text.done",
        "output_index": 0,
        "content_index": 0,
        "text": "We count.",
    },
    done(0, RAW),
    end(output=[RAW, MSG], usage=USAGE),
    "data: [DONE]\n\n",
)

COPILOT = sse(
    added(0, {**RS_ADDED, "id": "a"}),
    {**delta("reasoning_summary_text", 0, "Añade.", summary_index=0), "item_id": "b"},
    {**delta("reasoning_summary_text", 0, "Weigh.", summary_index=1), "item_id": "c"},
    done(0, {**RS, "id": "d"}),
    added(1, {"type": "message", "id": "e", "content": []}),
    {**delta("output_text", 1, "Hi 👋.", content_index=0), "item_id": "f"},
    done(1, {**MSG, "id": "g"}),
    {**end(output=[{**RS, "id": "h"}, {**MSG, "id": "i"}], usage=USAGE), "copilot_usage": {}},
)

CODEX = sse(
    {"type": "codex.rate_limits", "plan_type": "x"},
    added(0, RS_ADDED),
    done(0, RS),
    added(1, {"type": "message", "content": []}),
    delta("output_text", 1, "Hi 👋.", content_index=0),
    done(1, MSG),
    end(output=[], usage=USAGE),
)

LM_STUDIO = sse(
    added(0, {"type": "reasoning", "id": "r", "summary": [], "content": []}),
    delta("reasoning_text", 0, "We count.", content_index=0),
    done(0, RAW),
    added(1, {**FC, "arguments": ""}),
    {
        "type": "response.function_call_arguments.done",
        "output_index": 1,
        "arguments": FC["arguments"],
    },
    done(1, FC),
    end(output=[RAW, FC], usage=USAGE),
)

MANTLE = sse(
    added(0, {"type": "reasoning", "id": "msg_r", "summary": []}),
    {"type": "response.reasoning_part.added", "output_index": 0, "content_index": 0, "part": {}},
    delta("reasoning_text", 0, "We count.", content_index=0),
    done(0, RAW),
    added(1, {"type": "message", "content": []}),
    delta("output_text", 1, "Hi 👋.", content_index=1),
    {"type": "response.output_text.done", "output_index": 1, "content_index": 1, "text": "Hi 👋."},
    done(1, MSG),
    end(output=[RAW, MSG], usage=USAGE),
)

SEARCH = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {"type": "search"},
}
SERVER = sse(
    added(0, {"type": "reasoning", "id": "rs_1", "summary": []}),
    done(0, {**RS, "summary": []}),
    added(1, {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}),
    {"type": "response.web_search_call.searching", "output_index": 1},
    done(1, SEARCH),
    added(2, {"type": "message", "content": []}),
    delta("output_text", 2, "Hi 👋.", content_index=0),
    done(2, MSG),
    end(usage=USAGE),
)

VARIANTS = {
    "openai": OPENAI_TOOL,
    "openrouter": OPENROUTER_LATE,
    "copilot": COPILOT,
    "codex": CODEX,
    "lm studio": LM_STUDIO,
    "mantle": MANTLE,
    "server tools": SERVER,
}
