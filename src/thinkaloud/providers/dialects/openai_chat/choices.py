"""Which of several choices of a chunk belong to the one message that was asked for."""

from collections.abc import Sequence
from typing import Literal

from thinkaloud.providers.dialects.openai_chat.wire import Choice, Delta, decode_message, present

Kind = Literal["reasoning", "content"]


class Choices:
    """Tells the parts of one message from alternatives to it.

    Only one message is ever asked for. LiteLLM numbers its blocks as choices (the thought is
    choice 0, the text choice 1), and GitHub Copilot puts the calls into a choice of their own. A
    choice that says the same kind of thing as the one before it is an alternative, and is not
    read; no server has been seen to send one unasked.
    """

    __slots__ = ("_first", "_last", "_not_ours")

    def __init__(self, *, spoken: Sequence[Kind] = ()) -> None:
        self._first: dict[Kind, int] = dict.fromkeys(spoken, 0)
        self._last = 0
        self._not_ours: set[int] = set()

    def is_ours(self, choice: Choice) -> bool:
        """Tell whether this choice is read. Ask of each, in order."""
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
