"""The parts of the Chat Completions JSON that are read. Unknown fields are ignored.

Source: OpenAI API reference, "Chat Completions" (streamed chunks and whole responses), plus
the additions of compatible servers.
"""

from typing import Final

import msgspec

NOTHING: Final = msgspec.Raw()
"""The value of a field that is absent."""
_EMPTY: Final = (b"null", b"false", b'""', b"{}", b"[]")


class ContentChunk(msgspec.Struct, gc=False):
    """An item of a content list: text, or reasoning in one of several forms.

    Mistral has `thinking` with a nested list, Databricks `reasoning` with a `summary`.
    """

    type: str = ""
    text: str | None = None
    thinking: "Text | None" = None
    summary: list[dict[str, object] | str] | str | None = None
    reasoning: "Text | None" = None
    signature: str | None = None

    @property
    def thought(self) -> str:
        """The reasoning text in this chunk, or `""` if there is none."""
        for carrier in (self.thinking, self.reasoning):
            if carrier:
                return plain(carrier)
        if isinstance(self.summary, str):
            return self.summary
        if isinstance(self.summary, list):
            return "".join(part for part in self.summary if isinstance(part, str))
        return (self.text or "") if self.type in _THOUGHTS else ""

    @property
    def summary_parts(self) -> list[dict[str, object]]:
        """The typed parts of Databricks' `summary`, which must be sent back unchanged."""
        if not isinstance(self.summary, list):
            return []
        return [part for part in self.summary if isinstance(part, dict)]


Text = str | ContentChunk | list[str | ContentChunk]
"""Text as one string, or as parts."""

_THOUGHTS: Final = frozenset({"thinking", "reasoning", "reasoning_text", "reasoning.text"})


def plain(text: Text) -> str:
    """Return the text of a string, a part, or a list of them."""
    if isinstance(text, str):
        return text
    if isinstance(text, list):
        return "".join(map(plain, text))
    return text.text or text.thought


class Delta(msgspec.Struct, gc=False):
    """The content that a chunk adds to the message, or the whole message."""

    content: Text | None = None
    reasoning_content: Text | None = None
    reasoning: Text | None = None
    reasoning_text: Text | None = None
    """Used by Copilot, which requires `reasoning_opaque` to be sent back with it."""
    reasoning_opaque: str | None = None
    thinking: Text | None = None
    thought: Text | None = None
    """Alternative names; shown, but not sent back."""
    reasoning_details: list[dict[str, object]] | None = None
    thinking_blocks: list[dict[str, object]] | None = None
    """Used by LiteLLM, along with `reasoning_content`."""
    tool_calls: list[dict[str, object]] | None = None
    function_call: dict[str, object] | None = None
    """A single call in the format that preceded `tool_calls`."""
    refusal: str | None = None
    executed_tools: list[dict[str, object]] | None = None
    """Groq's server-side tools."""


class Choice(msgspec.Struct, gc=False):
    """One of the requested messages; only one is ever requested."""

    index: int | None = 0
    delta: Delta | None = None
    message: msgspec.Raw = NOTHING
    finish_reason: str | None = None
    usage: msgspec.Raw = NOTHING
    """Used by Moonshot."""
    error: msgspec.Raw = NOTHING


class GroqExtras(msgspec.Struct, gc=False):
    """Groq's additional field of a chunk."""

    usage: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING


class Chunk(msgspec.Struct, gc=False):
    """One event of the stream, or a whole response."""

    choices: list[Choice] | None = None
    usage: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING
    x_groq: GroqExtras | None = None
    message: msgspec.Raw = NOTHING
    detail: msgspec.Raw = NOTHING


decode_chunk = msgspec.json.Decoder(Chunk).decode
decode_message = msgspec.json.Decoder(Delta).decode

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What `decode_chunk` and `decode_message` raise for invalid JSON."""


def present(raw: msgspec.Raw) -> bool:
    """Return whether the field was present and not empty."""
    return raw is not NOTHING and bytes(raw) not in _EMPTY
