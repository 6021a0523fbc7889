"""Feishu's rate limits, on a clock that a test can move.

https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control
"""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Final

from tests.channels.feishu.fake.refusals import Refused, too_often

METHOD_A_SECOND: Final = 50
METHOD_A_MINUTE: Final = 1_000
CARD_A_SECOND: Final = 10
CHAT_A_SECOND: Final = 5


class Rates:
    """The calls of the last minute."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._calls: dict[str, deque[float]] = defaultdict(deque)

    def method(self, name: str) -> None:
        """Count a call of a method. Raises `Refused`."""
        for window, most in ((60.0, METHOD_A_MINUTE), (1.0, METHOD_A_SECOND)):
            if wait := self._excess(f"{name}/{window}", window, most):
                raise too_often(math.ceil(wait))

    def card(self, card_id: str) -> None:
        """Count a change of a card."""
        if wait := self._excess(f"card/{card_id}", 1.0, CARD_A_SECOND):
            raise too_often(math.ceil(wait))

    def chat(self, chat_id: str) -> None:
        """Count a message to a person or a group."""
        if self._excess(f"chat/{chat_id}", 1.0, CHAT_A_SECOND):
            raise Refused(230020, "The message is sent too fast")

    def _excess(self, name: str, window: float, most: int) -> float:
        now, calls = self._now(), self._calls[name]
        while calls and calls[0] <= now - window:
            calls.popleft()
        if len(calls) >= most:
            return calls[0] + window - now
        calls.append(now)
        return 0.0
