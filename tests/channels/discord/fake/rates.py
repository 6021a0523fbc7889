"""Discord's rate limits: per route and channel, and for the whole bot."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

GLOBAL_CALLS = 50
GLOBAL_MS = 1_000
IDENTIFY_MS = 5_000
LIMITS = {
    "POST messages": (5, 5_000),
    "PATCH messages": (5, 5_000),
    "DELETE messages": (5, 1_000),
    "POST typing": (5, 5_000),
}
OTHER = (30, 5_000)


@dataclass
class Window:
    limit: int
    span_ms: int
    left: int = 0
    ends_ms: int = 0


@dataclass
class Verdict:
    """The headers of a response; `retry_ms` if the call is refused."""

    headers: dict[str, str]
    retry_ms: int = 0
    everything: bool = False


@dataclass
class Rates:
    now_ms: Callable[[], int]
    violations: list[str] = field(default_factory=list[str])
    windows: dict[tuple[str, str], Window] = field(default_factory=dict[tuple[str, str], Window])
    shared: dict[str, str] = field(default_factory=dict[str, str])
    """Kinds that are counted as another one."""
    calls: deque[int] = field(default_factory=deque[int])

    def count(self, kind: str, channel: str) -> Verdict:
        """Count a call of this kind for a channel."""
        kind = self.shared.get(kind, kind)
        now = self.now_ms()
        while self.calls and self.calls[0] <= now - GLOBAL_MS:
            self.calls.popleft()
        if len(self.calls) >= GLOBAL_CALLS:
            self.violations.append("global")
            wait = self.calls[0] + GLOBAL_MS - now
            return Verdict({"X-RateLimit-Global": "true"}, wait, everything=True)
        self.calls.append(now)
        limit, span = LIMITS.get(kind, OTHER)
        window = self.windows.setdefault((kind, channel), Window(limit, span))
        if window.ends_ms <= now:
            window.left, window.ends_ms = limit, now + span
        refused = window.left == 0
        if refused:
            self.violations.append(f"{kind} {channel}")
        window.left = max(0, window.left - 1)
        wait = window.ends_ms - now
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(window.left),
            "X-RateLimit-Reset-After": f"{wait / 1000:.3f}",
            "X-RateLimit-Reset": f"{1_790_000_000 + window.ends_ms / 1000:.3f}",
            "X-RateLimit-Bucket": kind.replace(" ", "-").lower(),
        }
        return Verdict(headers, wait if refused else 0)
