"""Messages made of content blocks, as in Anthropic's and Bedrock's formats."""

import re
from typing import Literal

import msgspec

Content = dict[str, object] | msgspec.Raw
"""A content block: a new one, or one that is sent back byte for byte."""


class Message(msgspec.Struct):
    """One message."""

    role: Literal["user", "assistant"]
    content: list[Content]


def append(
    messages: list[Message], role: Literal["user", "assistant"], content: list[Content]
) -> None:
    """Add content; consecutive messages of one role are merged, and empty ones left out."""
    if not content:
        return
    if messages and messages[-1].role == role:
        messages[-1].content.extend(content)
    else:
        messages.append(Message(role, content))


class CallIds:
    """Renames tool call ids issued by another provider to use only allowed characters."""

    def __init__(self, disallowed: re.Pattern[str]) -> None:
        self._disallowed = disallowed
        self._renamed: dict[str, str] = {}

    def of_call(self, issued: str) -> str:
        """Return the id for a call."""
        clean = self._disallowed.sub("_", issued) or "call"
        if clean == issued:
            return issued
        taken = set(self._renamed.values()) - {self._renamed.get(issued, "")}
        while clean in taken:
            clean += "_"
        self._renamed[issued] = clean
        return clean

    def of_result(self, issued: str) -> str:
        """Return the id for the result of a call."""
        return self._renamed.get(issued, issued)
