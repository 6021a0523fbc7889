"""Determines which choices of a chunk belong to the requested message."""

from collections.abc import Sequence
from typing import Literal

from thinkaloud.providers.dialects.openai_chat.wire import Choice, Delta, decode_message, present

Kind = Literal["reasoning", "content"]


class Choices:
    """Distinguishes the parts of a message from alternatives to it.

    Only one message is ever requested. LiteLLM numbers its blocks as choices (reasoning is choice
    0, text is choice 1), and GitHub Copilot puts tool calls in a separate choice. A choice with the
    same kind of content as the previous one is an alternative and is ignored; no server is known
    to send one unrequested.
    """

    __slots__ = ("_first", "_last", "_not_ours")

    def __init__(self, *, spoken: Sequence[Kind] = ()) -> None:
        self._first: dict[Kind, int] = dict.fromkeys(spoken, 0)
        self._last = 0
        self._not_ours: set[int] = set()

    def is_ours(self, choice: Choice) -> bool:
        """Return whether to read this choice. Call this for each choice, in order."""
        index = choice.index or 0
        if index in self._not_ours:
            return False
        kinds = _kinds(choice)
        if index and any(self._first.get(kind) == self._last == 0 for kind in kinds):
            self._not_ours.add(index)
            return False
        for kind in kinds:
            self._first.setdefault(kind, index)
            self._last = index
        return True


def _kinds(choice: Choice) -> list[Kind]:
    delta = choice.delta
    if delta is None:
        delta = decode_message(choice.message) if present(choice.message) else Delta()
    kinds: list[Kind] = []
    if delta.reasoning_content or delta.reasoning or delta.reasoning_details:
        kinds.append("reasoning")
    if delta.content:
        kinds.append("content")
    return kinds
