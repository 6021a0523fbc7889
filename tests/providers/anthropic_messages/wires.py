"""Hand-made responses of the Messages API."""

import base64
import json
import struct
import zlib
from typing import Any

from thinkaloud.providers.target import Family, Target

SSE = "text/event-stream; charset=utf-8"
FRAMES = "application/vnd.amazon.eventstream"


def target(**quirks: object) -> Target:
    return Target("h", "anthropic-messages", "https://example.test", "claude-x", quirks=quirks)


def family_target(family: Family, **quirks: object) -> Target:
    return Target("h", "anthropic-messages", "https://example.test", "claude-x", family, quirks)


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
        for event in events
    )


def frame(payload: bytes, **headers: str) -> bytes:
    named = {"message-type": "event", "event-type": "chunk"}
    named |= {key.replace("_", "-"): value for key, value in headers.items()}
    head = b"".join(
        bytes([len(key) + 1])
        + b":"
        + key.encode()
        + b"\x07"
        + struct.pack(">H", len(value))
        + value.encode()
        for key, value in named.items()
    )
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def invoke(*events: dict[str, Any]) -> bytes:
    return b"".join(
        frame(
            json.dumps(
                {"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "ab"}
            ).encode()
        )
        for event in events
    )


def start(**usage: Any) -> dict[str, Any]:
    counted = {"input_tokens": 10, "output_tokens": 1} | usage
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "usage": counted,
    }
    return {"type": "message_start", "message": message}


def opened(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "content_block_delta",
        "index": index,
        "delta": {"type": f"{kind}_delta", **fields},
    }


def closed(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def thinking(index: int, *texts: str, signature: str | None = "sig") -> list[dict[str, Any]]:
    block = {"type": "thinking", "thinking": ""} | ({} if signature is None else {"signature": ""})
    events = [opened(index, **block)]
    events += [delta(index, "thinking", thinking=text) for text in texts]
    if signature is not None:
        events.append(delta(index, "signature", signature=signature))
    return [*events, closed(index)]


def text(index: int, *texts: str) -> list[dict[str, Any]]:
    events = [opened(index, type="text", text="")]
    events += [delta(index, "text", text=piece) for piece in texts]
    return [*events, closed(index)]


def tool(index: int, call: str, name: str, *pieces: str) -> list[dict[str, Any]]:
    events = [opened(index, type="tool_use", id=call, name=name, input={})]
    events += [delta(index, "input_json", partial_json=piece) for piece in ("", *pieces)]
    return [*events, closed(index)]


def stop(reason: str = "end_turn", details: Any = None, **usage: Any) -> list[dict[str, Any]]:
    ending = {"stop_reason": reason, "stop_sequence": None, "stop_details": details}
    return [
        {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 20} | usage},
        {"type": "message_stop"},
    ]


PING = {"type": "ping"}

INTERLEAVED = [
    start(),
    PING,
    *thinking(0, "Let me ", "see…", signature="c2ln+/=="),
    *thinking(1, "Second thought 🤔"),
    *text(2, "I look ", "it up."),
    *tool(3, "toolu_1", "find", '{"q": "a', 'b"}'),
    *thinking(4, "And more."),
    *tool(5, "toolu_2", "now"),
    *stop("tool_use"),
]
