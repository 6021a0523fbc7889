"""The JSON of Chat Completions, as far as it is read. Unknown members are ignored.

Source: OpenAI API reference, "Chat Completions" (the streamed chunk and the whole response),
and what compatible servers add to it.
"""

import msgspec

_NOTHING = msgspec.Raw()


class ContentChunk(msgspec.Struct, gc=False):
    """An item of a content list: `text`, Mistral's `thinking` with a list of its own, or
    Databricks' `reasoning` with a `summary`."""

    type: str = ""
    text: str | None = None
    thinking: "str | list[ContentChunk] | None" = None
    signature: str | None = None
    summary: list[dict[str, object]] | str | None = None

    @property
    def thought(self) -> str:
        """The reasoning text in this chunk, `""` where there is none."""
        if isinstance(self.thinking, list):
            return "".join(part.text or "" for part in self.thinking)
        if self.thinking:
            return self.thinking
        if self.type.startswith("reasoning"):
            return self.text or (self.summary if isinstance(self.summary, str) else "") or ""
        return ""


class Delta(msgspec.Struct, gc=False):
    """What a chunk adds to the message; or the whole message."""

    content: str | list[ContentChunk] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_text: str | None = None
    """Copilot's; `reasoning_opaque` is what it wants back with it."""
    reasoning_opaque: str | None = None
    reasoning_details: list[dict[str, object]] | None = None
    thinking_blocks: list[dict[str, object]] | None = None
    """LiteLLM's, beside `reasoning_content`."""
    tool_calls: list[dict[str, object]] | None = None
    refusal: str | None = None
    executed_tools: list[dict[str, object]] | None = None
    """Groq's tools on its own side."""


class Choice(msgspec.Struct, gc=False):
    """One of the asked-for messages; only the first is ever asked for."""

    index: int | None = 0
    delta: Delta | None = None
    message: msgspec.Raw = _NOTHING
    finish_reason: str | None = None
    usage: msgspec.Raw = _NOTHING
    """Where Moonshot puts it."""
    error: msgspec.Raw = _NOTHING


class GroqExtras(msgspec.Struct, gc=False):
    """Groq's own member of a chunk."""

    usage: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING


class Chunk(msgspec.Struct, gc=False):
    """One event of the stream, or a whole response."""

    choices: list[Choice] | None = None
    usage: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING
    x_groq: GroqExtras | None = None
    message: msgspec.Raw = _NOTHING
    detail: msgspec.Raw = _NOTHING


decode_chunk = msgspec.json.Decoder(Chunk).decode
decode_message = msgspec.json.Decoder(Delta).decode

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What `decode_chunk` and `decode_message` raise for something that is no such JSON."""


def present(raw: msgspec.Raw) -> bool:
    """Return whether the member was there and not null."""
    return raw is not _NOTHING and bytes(raw) != b"null"
