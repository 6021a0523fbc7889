"""Hand-made Chat Completions streams, and a compact form of what a decoder made of them."""

import json
from typing import Any

from thinkaloud.events.model import (
    AnswerText,
    ModelFinished,
    ReasoningText,
    ToolCall,
    ToolCallOpened,
)
from thinkaloud.events.prompt import Effort
from thinkaloud.providers.dialects.openai_chat import bind
from thinkaloud.providers.target import Target


def target(**quirks: object) -> Target:
    return Target(
        host="lab", dialect="openai-chat", base_url="http://lab.test/v1", model="m", quirks=quirks
    )


def stream(*chunks: object, done: bool = True) -> bytes:
    """Chunks (or raw strings) as an event stream."""
    lines = [f"data: {c if isinstance(c, str) else json.dumps(c)}\n\n" for c in chunks]
    return ("".join(lines) + ("data: [DONE]\n\n" if done else "")).encode()


def delta(finish: str | None = None, **members: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": members, "finish_reason": finish}]}


def answer_stream(*texts: str, finish: str | None = "stop", done: bool = True) -> bytes:
    """A stream of content deltas."""
    return stream(*(delta(content=text) for text in texts), delta(finish), done=done)


def play(
    body: bytes,
    *,
    size: int | None = None,
    kind: str = "text/event-stream",
    effort: Effort | None = None,
    **quirks: object,
):
    """All events of a body that arrives in pieces of `size` bytes."""
    decoder = bind(target(**quirks)).decoder(kind, effort)
    step = size or max(len(body), 1)
    events: list[Any] = []
    for at in range(0, len(body), step):
        events += decoder.feed(body[at : at + step])
    return events + decoder.close()


def short(events: list[Any]) -> list[tuple[Any, ...]]:
    """Neighboring texts of a kind joined, as (kind, …); keepalives left out."""
    found: list[tuple[Any, ...]] = []
    for event in events:
        match event:
            case ReasoningText(text, part):
                kind: tuple[Any, ...] = ("reasoning", part)
            case AnswerText(text):
                kind = ("answer",)
            case ToolCallOpened(tool_call_id, name):
                found.append(("opened", tool_call_id, name))
                continue
            case ToolCall(tool_call_id, name, arguments):
                found.append(("call", tool_call_id, name, arguments))
                continue
            case ModelFinished():
                found.append(("finished", event.finish_reason, event.reasoning_status))
                continue
            case _:
                if type(event).__name__ != "Keepalive":
                    found.append((type(event).__name__, getattr(event, "code", None)))
                continue
        if found and found[-1][:-1] == kind:
            found[-1] = (*kind, found[-1][-1] + text)
        else:
            found.append((*kind, text))
    return found


def native(events: list[Any]) -> Any:
    """The payload of the last event, parsed; None where there is none."""
    last = events[-1]
    assert isinstance(last, ModelFinished)
    return None if last.native is None else json.loads(bytes(last.native.payload))
