"""Hand-made responses of the Converse API."""

import json
from typing import Any

from tests.providers.anthropic_messages.wires import frame
from thinkaloud.providers.target import Family, Target

FRAMES = "application/vnd.amazon.eventstream"
NOVA = [["<thinking>", "</thinking>"]]

Event = tuple[str, dict[str, Any]]


def target(family: Family | None = None, **quirks: object) -> Target:
    to = Target("aws", "bedrock-converse", "https://aws.test", "us.lab.model-v1:0", quirks=quirks)
    if family is None:
        return to
    return Target(to.host, to.dialect, to.base_url, to.model, family, quirks)


def wire(*events: Event) -> bytes:
    return b"".join(
        frame(json.dumps({**event, "p": "abc"}, ensure_ascii=False).encode(), event_type=kind)
        for kind, event in events
    )


def message_start() -> Event:
    return "messageStart", {"role": "assistant"}


def opened(index: int, **start: Any) -> Event:
    return "contentBlockStart", {"contentBlockIndex": index, "start": start}


def delta(index: int, **fields: Any) -> Event:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": fields}


def closed(index: int) -> Event:
    return "contentBlockStop", {"contentBlockIndex": index}


def reasoning(index: int, *texts: str, signature: str | None = "sig") -> list[Event]:
    events = [delta(index, reasoningContent={"text": text}) for text in texts]
    if signature is not None:
        events.append(delta(index, reasoningContent={"signature": signature}))
    return [*events, closed(index)]


def redacted(index: int, data: str) -> list[Event]:
    return [delta(index, reasoningContent={"redactedContent": data}), closed(index)]


def text(index: int, *texts: str) -> list[Event]:
    return [*(delta(index, text=piece) for piece in texts), closed(index)]


def tool(index: int, call: str, name: str, *pieces: str) -> list[Event]:
    return [
        opened(index, toolUse={"toolUseId": call, "name": name}),
        *(delta(index, toolUse={"input": piece}) for piece in pieces),
        closed(index),
    ]


def stop(reason: str = "end_turn", **usage: int) -> list[Event]:
    counted = {"inputTokens": 10, "outputTokens": 20, "totalTokens": 30} | usage
    return [
        ("messageStop", {"stopReason": reason}),
        ("metadata", {"usage": counted, "metrics": {"latencyMs": 5}}),
    ]


FULL = [
    message_start(),
    *reasoning(0, "Let me ", "see…", signature="c2ln+/=="),
    *reasoning(1, "Again 🤔"),
    *text(2, "I look ", "it up."),
    *tool(3, "t_1", "find", '{"q": "a', 'b"}'),
    *tool(4, "t_2", "now"),
    *stop("tool_use"),
]

INLINE = [
    message_start(),
    *text(0, "<think", "ing> So < and <b> ", "it</thin", "king>\n", "Answer <thinking>", "<"),
    *tool(1, "t_1", "find", "{}"),
    *stop("tool_use"),
]
