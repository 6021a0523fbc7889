"""Slack's rate limits, on a clock that a test can move.

Tiers: https://docs.slack.dev/apis/web-api/rate-limits. A tier counts per method, app and workspace. Messages have a
limit of their own: one a second per channel, where short bursts are let through.
"""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Final

TIERS: Final = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls a minute."""
TIER_OF: Final = {
    "agents.sessions.setStatus": 3,
    "apps.connections.open": 4,  # Tier 1 by the docs; reconnecting tests would only wait
    "auth.test": 4,
    "chat.appendStream": 4,
    "chat.delete": 3,
    "chat.postEphemeral": 4,
    "chat.startStream": 2,
    "chat.stopStream": 2,
    "chat.update": 3,
    "conversations.replies": 3,
    "files.info": 4,
    "reactions.add": 3,
    "users.info": 4,
}
POSTS_BURST: Final = 4
POSTS_A_MINUTE: Final = 300


class Rates:
    """The calls of the last minute by method, and the posts of each channel."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._calls: dict[str, deque[float]] = defaultdict(deque)
        self._room: dict[str, tuple[float, float]] = {}

    def take(self, method: str, channel: str) -> int | None:
        """Count a call. The seconds of `Retry-After` if it is one too many, else None."""
        if method != "chat.postMessage":
            return self._window(method, TIERS[TIER_OF[method]])
        wait = self._bucket(channel)
        return wait if wait is not None else self._window(method, POSTS_A_MINUTE)

    def _window(self, name: str, most: int) -> int | None:
        now, calls = self._now(), self._calls[name]
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= most:
            return math.ceil(calls[0] + 60 - now)
        calls.append(now)
        return None

    def _bucket(self, channel: str) -> int | None:
        now = self._now()
        room, at = self._room.get(channel, (float(POSTS_BURST), now))
        room = min(float(POSTS_BURST), room + now - at)
        if room < 1:
            self._room[channel] = (room, now)
            return math.ceil(1 - room)
        self._room[channel] = (room - 1, now)
        return None
