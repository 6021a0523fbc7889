"""The JSON of Chat Completions, as far as it is read. Unknown members are ignored.

Source: OpenAI API reference, "Chat Completions" (the streamed chunk and the whole response),
and what compatible servers add to it.
"""

from typing import Final

import msgspec

_NOTHING = msgspec.Raw()
_EMPTY: Final = (b"null", b"false", b'""', b"{}", b"[]")


class ContentChunk(msgspec.Struct, gc=False):
    """An item of a content list: text, or reasoning in one of several spellings.

    Mistral has `thinking` with a list of its own, Databricks `reasoning` with a `summary`.
    """

    type: str = ""
    text: str | None = None
    thinking: "Text | None" = None
    summary: list[dict[str, object] | str] | str | None = None
    reasoning: "Text | None" = None
    signature: str | None = None

    @property
    def thought(self) -> str:
        """The reasoning text in this chunk, `""` where there is none."""
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
        """The typed parts of Databricks' `summary`, which it wants back as they are."""
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
    """What a chunk adds to the message; or the whole message."""

    content: Text | None = None
    reasoning_content: Text | None = None
    reasoning: Text | None = None
    reasoning_text: Text | None = None
    """Copilot's; `reasoning_opaque` is what it wants back with it."""
    reasoning_opaque: str | None = None
    thinking: Text | None = None
    thought: Text | None = None
    """Further spellings; shown, and not sent back."""
    reasoning_details: list[dict[str, object]] | None = None
    thinking_blocks: list[dict[str, object]] | None = None
    """LiteLLM's, beside `reasoning_content`."""
    tool_calls: list[dict[str, object]] | None = None
    function_call: dict[str, object] | None = None
    """One call in the form that came before `tool_calls`."""
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
    """Return whether the member was there and says something."""
    return raw is not _NOTHING and bytes(raw) not in _EMPTY
