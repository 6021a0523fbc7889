"""The rate limits of the fake Bot API.

Documented: one message a second for each chat (short bursts pass), 20 a minute for each group, 30 a second for all.
Drafts have a limit that is not documented; the one here is stricter than what people report.
Source: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""

from collections import defaultdict, deque
from collections.abc import Callable

from tests.channels.telegram.fake.refusals import too_many


class Window:
    """At most `capacity` calls in any `seconds`. Calls made while one has to wait make the wait longer."""

    def __init__(self, capacity: int, seconds: float) -> None:
        self._capacity = capacity
        self._ms = int(seconds * 1000)
        self._calls: deque[int] = deque()

    def wait_ms(self, now: int) -> int:
        while self._calls and self._calls[0] <= now - self._ms:
            self._calls.popleft()
        return self._calls[0] + self._ms - now if len(self._calls) >= self._capacity else 0

    def count(self, now: int) -> None:
        self._calls.append(now)


class Rates:
    """All limits, on a clock that tests step."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._all = Window(30, 1)
        self._chats: dict[int, Window] = defaultdict(lambda: Window(3, 3))
        self._groups: dict[int, Window] = defaultdict(lambda: Window(20, 60))
        self._drafts: dict[int, Window] = defaultdict(lambda: Window(4, 3))
        self.on = True

    def message(self, chat_id: int) -> None:
        """Count a message or an edit. Raises a `Refusal`."""
        windows = [self._all, self._chats[chat_id]]
        self._pass(windows + ([self._groups[chat_id]] if chat_id < 0 else []))

    def draft(self, chat_id: int) -> None:
        """Count a draft. Raises a `Refusal`."""
        self._pass([self._all, self._drafts[chat_id]])

    def _pass(self, windows: list[Window]) -> None:
        if not self.on:
            return
        now = self._now_ms()
        wait = max(window.wait_ms(now) for window in windows)
        if wait:
            raise too_many(wait / 1000)
        for window in windows:
            window.count(now)
