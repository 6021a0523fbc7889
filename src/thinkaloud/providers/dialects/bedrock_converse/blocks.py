"""A content block as it is streamed, and its JSON to send back."""

from typing import Final, Literal

import msgspec

from thinkaloud.providers.dialects.bedrock_converse.wire import UNREADABLE, Reasoning
from thinkaloud.providers.dialects.toolcalls import assembled

Kind = Literal["text", "reasoning", "call", "server_call", "server_result"]

INVALID_JSON: Final = "INVALID_JSON"
"""The key under which to send back an input that is not a JSON object."""

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class OpenBlock:
    """A content block: its start, and the pieces that followed."""

    __slots__ = (
        "call_id",
        "kind",
        "name",
        "number",
        "part",
        "pieces",
        "redacted",
        "results",
        "signature",
        "start",
        "stopped",
    )

    def __init__(self, kind: Kind, start: bytes = b"{}") -> None:
        self.kind: Kind = kind
        self.start = start
        self.call_id = ""
        self.name = ""
        self.pieces: list[str] = []
        self.results: list[msgspec.Raw] = []
        self.signature: str | None = None
        self.redacted: str | None = None
        self.number = 0
        self.part = -1
        self.stopped = False

    def keep(self, reasoning: Reasoning) -> None:
        """Store opaque data; the last non-empty value within a block wins."""
        self.signature = reasoning.signature or self.signature
        self.redacted = reasoning.redacted_content or self.redacted

    def payload(self) -> dict[str, object]:
        """Return the block in the format of a whole message, to be sent back."""
        text = "".join(self.pieces)
        match self.kind:
            case "text":
                return {"text": text}
            case "reasoning" if self.redacted is not None:
                return {"reasoningContent": {"redactedContent": self.redacted}}
            case "reasoning":
                signed = {} if self.signature is None else {"signature": self.signature}
                return {"reasoningContent": {"reasoningText": {"text": text, **signed}}}
            case "call" | "server_call":
                call: dict[str, object] = dict(_fields.decode(self.start))
                if self.kind == "call":
                    call["toolUseId"] = self.call_id
                    call["name"] = self.name
                call["input"] = as_input(assembled(self.pieces))
                return {"toolUse": call}
            case "server_result":
                return {"toolResult": {**_fields.decode(self.start), "content": self.results}}


def as_input(arguments: str) -> msgspec.Raw:
    """Return arguments as the object that the API requires."""
    if not arguments.strip():
        return msgspec.Raw(b"{}")
    try:
        _fields.decode(arguments)
    except UNREADABLE:
        return msgspec.Raw(msgspec.json.encode({INVALID_JSON: arguments}))
    return msgspec.Raw(arguments.encode())
