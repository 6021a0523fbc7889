"""Usage limits of principals: requests per minute, concurrent runs, and tokens per UTC day.

Counts are in memory. `usage_keeper` saves tokens, so that a restart gives no budget back.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from thinkaloud.errors import BudgetSpent, RateLimited
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.principal import Principal, UsageLimits

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_SOON: Final = 2.0
_MOST_ACCOUNTS: Final = 10_000


class Remaining(msgspec.Struct, frozen=True):
    """What is left of one set of limits. None: unlimited."""

    applies_to: str
    """`key:ID`, `owner:NAME` or `role:NAME`."""
    requests: int | None
    runs: int | None
    tokens: int | None


class _Account:
    """What counts against one set of limits."""

    __slots__ = ("day", "name", "requests", "reserved", "running", "spent")

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests: deque[int] = deque()
        """When each request of the last minute was admitted, in the clock's steady milliseconds."""
        self.running = 0
        self.day = 0
        self.spent = 0
        """Tokens of runs that ended today."""
        self.reserved = 0
        """Tokens that active runs may use."""

    def turn_to(self, day: int, now_ms: int) -> None:
        """Forget requests older than a minute, and the tokens of another day."""
        if self.day != day:
            self.day, self.spent = day, 0
        while self.requests and self.requests[0] <= now_ms - _MINUTE_MS:
            self.requests.popleft()

    @property
    def is_idle(self) -> bool:
        """Whether it can be forgotten."""
        return not (self.requests or self.running or self.spent)


class Charge:
    """What one run counts for. Either `settle` or `cancel` is called once; later calls do nothing."""

    __slots__ = ("_admitted_ms", "_charged", "_on_spent")

    def __init__(
        self,
        admitted_ms: int,
        charged: Sequence[tuple[_Account, int]],
        on_spent: Callable[[str, int, int], None],
    ) -> None:
        self._admitted_ms = admitted_ms
        self._charged = charged
        self._on_spent = on_spent

    def __bool__(self) -> bool:
        """Whether it counts against any limit."""
        return bool(self._charged)

    def settle(self, tokens: int) -> None:
        """Count these tokens instead of the reserved ones: the run has ended."""
        charged, self._charged = self._charged, ()
        for account, reserved in charged:
            account.running -= 1
            account.reserved -= reserved
            account.spent += tokens
            if tokens:
                self._on_spent(account.name, account.day, tokens)

    def cancel(self) -> None:
        """Count nothing: the run was not started."""
        for account, _ in self._charged:
            if self._admitted_ms in account.requests:
                account.requests.remove(self._admitted_ms)
        self.settle(0)


class UsageMeter:
    """Counts what runs use, and refuses those over a limit of their principal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self.on_spent: Callable[[str, int, int], None] = lambda name, day, tokens: None
        """Called with an account, the UTC day and the number of tokens that it has used."""

    def restore(self, tokens: Mapping[str, int]) -> None:
        """Count tokens that accounts have used today, before the server started."""
        for name, number in tokens.items():
            self._account(name, self._clock.steady_ms()).spent += number

    def today(self) -> int:
        """Return the current UTC day, in whole days since the Unix epoch."""
        return self._clock.unix_ms() // _DAY_MS

    def charge(self, principal: Principal, tokens: int) -> Charge:
        """Count a run that is about to start, and reserve tokens for it.

        Reserves what is left if that is less: a run may exceed the budget, but no second run
        starts on the same rest. Raises `RateLimited` if any limit is reached, and counts nothing
        then.
        """
        now_ms = self._clock.steady_ms()
        limited = [
            (name, limits, self._account(name, now_ms))
            for name, limits in principal.limits
            if limits != UsageLimits()
        ]
        for name, limits, account in limited:
            self._check(name, limits, account, now_ms)
        charged: list[tuple[_Account, int]] = []
        for _, limits, account in limited:
            reserved = 0
            if limits.tokens_per_day is not None:
                reserved = min(tokens, limits.tokens_per_day - account.spent - account.reserved)
            if limits.requests_per_minute is not None:
                account.requests.append(now_ms)
            account.running += 1
            account.reserved += reserved
            charged.append((account, reserved))
        return Charge(now_ms, charged, self.on_spent)

    def recharge(self, principal: Principal) -> Charge:
        """Count a run that continues after it has waited, whatever the limits."""
        now_ms = self._clock.steady_ms()
        charged: list[tuple[_Account, int]] = []
        for name, limits in principal.limits:
            if limits != UsageLimits():
                account = self._account(name, now_ms)
                account.running += 1
                charged.append((account, 0))
        return Charge(now_ms, charged, self.on_spent)

    def remaining(self, principal: Principal) -> Sequence[Remaining]:
        """Return what is left of each of the principal's sets of limits."""
        now_ms = self._clock.steady_ms()
        found: list[Remaining] = []
        for name, limits in principal.limits:
            account = self._account(name, now_ms)
            used = account.spent + account.reserved
            found.append(
                Remaining(
                    name,
                    _left(limits.requests_per_minute, len(account.requests)),
                    _left(limits.concurrent_runs, account.running),
                    _left(limits.tokens_per_day, used),
                )
            )
        return found

    def _account(self, name: str, now_ms: int) -> _Account:
        account = self._accounts.get(name)
        if account is None:
            if len(self._accounts) >= _MOST_ACCOUNTS:
                self._accounts = {k: each for k, each in self._accounts.items() if not each.is_idle}
            account = self._accounts[name] = _Account(name)
        account.turn_to(self.today(), now_ms)
        return account

    def _check(self, name: str, limits: UsageLimits, account: _Account, now_ms: int) -> None:
        kind = name.partition(":")[0]
        most = limits.requests_per_minute
        if most is not None and len(account.requests) >= most:
            oldest = account.requests[len(account.requests) - most] if most else now_ms
            raise RateLimited(
                f"The limit of this {kind} is {most} requests per minute.",
                retry_after=(oldest + _MINUTE_MS - now_ms) / 1000,
            )
        most = limits.concurrent_runs
        if most is not None and account.running >= most:
            raise RateLimited(
                f"The limit of this {kind} is {most} runs at the same time.", retry_after=_SOON
            )
        most = limits.tokens_per_day
        if most is not None and account.spent + account.reserved >= most:
            raise BudgetSpent(
                f"The budget of this {kind} is {most} tokens per day (UTC). It is spent, or"
                " reserved for active runs.",
                retry_after=(_DAY_MS - self._clock.unix_ms() % _DAY_MS) / 1000,
            )


def _left(most: int | None, used: int) -> int | None:
    return None if most is None else max(0, most - used)
