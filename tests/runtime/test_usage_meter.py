"""Usage limits of keys, owners and roles."""

import pytest

from thinkaloud.errors import RateLimited
from thinkaloud.ports.principal import Principal, UsageLimits
from thinkaloud.runtime.usage_meter import Remaining, UsageMeter


class SetClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self._now_ms = 1_000

    def advance(self, seconds: float) -> None:
        self._now_ms += int(seconds * 1000)

    def steady_ms(self) -> int:
        return self._now_ms

    def unix_ms(self) -> int:
        return 1_790_000_000_000 + self._now_ms

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)


def limited(*limits: UsageLimits, name: str = "key") -> Principal:
    """A principal with these limits, of which the first is its key's."""
    names = (f"{name}:1", "owner:ana", "role:user:ana")
    return Principal("ana", limits=tuple(zip(names, limits, strict=False)))


def test_requests_per_minute_are_limited_with_a_retry_time() -> None:
    clock = SetClock()
    meter, ana = UsageMeter(clock), limited(UsageLimits(requests_per_minute=2))
    meter.charge(ana, 1).settle(0)
    clock.advance(20)
    meter.charge(ana, 1).settle(0)
    with pytest.raises(RateLimited) as refused:
        meter.charge(ana, 1)
    assert (refused.value.code, refused.value.retry_after) == ("rate_limited", 40.0)
    clock.advance(40)
    meter.charge(ana, 1)


def test_a_run_that_did_not_start_is_not_counted() -> None:
    meter = UsageMeter(SetClock())
    ana = limited(UsageLimits(requests_per_minute=1, concurrent_runs=1, tokens_per_day=10))
    meter.charge(ana, 10).cancel()
    assert meter.remaining(ana) == [Remaining("key:1", 1, 1, 10)]
    meter.charge(ana, 10)


def test_a_run_counts_until_it_ends() -> None:
    meter, ana = UsageMeter(SetClock()), limited(UsageLimits(concurrent_runs=1))
    first = meter.charge(ana, 1)
    with pytest.raises(RateLimited) as refused:
        meter.charge(ana, 1)
    assert refused.value.code == "rate_limited"
    first.settle(5)
    first.settle(5)
    meter.charge(ana, 1)
    with pytest.raises(RateLimited):
        meter.charge(ana, 1)


def test_tokens_are_reserved_up_front_and_settled_with_what_was_used() -> None:
    meter, ana = UsageMeter(SetClock()), limited(UsageLimits(tokens_per_day=100))
    first = meter.charge(ana, 90)
    second = meter.charge(ana, 90)
    assert meter.remaining(ana)[0].tokens == 0
    with pytest.raises(RateLimited) as refused:
        meter.charge(ana, 1)
    assert refused.value.code == "budget_spent"
    first.settle(20)
    second.settle(30)
    assert meter.remaining(ana)[0].tokens == 50


def test_a_budget_is_reset_on_the_next_day_in_utc() -> None:
    clock = SetClock()
    meter, ana = UsageMeter(clock), limited(UsageLimits(tokens_per_day=100))
    meter.charge(ana, 1).settle(130)
    with pytest.raises(RateLimited) as refused:
        meter.charge(ana, 1)
    clock.advance(refused.value.retry_after - 1)
    with pytest.raises(RateLimited):
        meter.charge(ana, 1)
    clock.advance(1)
    assert clock.unix_ms() % 86_400_000 < 1_000
    meter.charge(ana, 1)


@pytest.mark.parametrize("strict", range(3))
def test_the_strictest_of_key_owner_and_role_wins(strict: int) -> None:
    limits = [UsageLimits(requests_per_minute=9) for _ in range(3)]
    limits[strict] = UsageLimits(requests_per_minute=1)
    meter, ana = UsageMeter(SetClock()), limited(*limits)
    meter.charge(ana, 1)
    with pytest.raises(RateLimited):
        meter.charge(ana, 1)


def test_two_keys_share_their_owners_limit_but_not_each_others() -> None:
    meter = UsageMeter(SetClock())
    limits = (UsageLimits(requests_per_minute=2), UsageLimits(requests_per_minute=3))
    one, two = limited(*limits, name="key:a"), limited(*limits, name="key:b")
    meter.charge(one, 1)
    meter.charge(one, 1)
    with pytest.raises(RateLimited, match="key"):
        meter.charge(one, 1)
    meter.charge(two, 1)
    with pytest.raises(RateLimited, match="owner"):
        meter.charge(two, 1)


def test_a_lowered_limit_applies_from_the_next_run() -> None:
    meter = UsageMeter(SetClock())
    meter.charge(limited(UsageLimits(concurrent_runs=5)), 1)
    with pytest.raises(RateLimited):
        meter.charge(limited(UsageLimits(concurrent_runs=1)), 1)


def test_a_limit_of_zero_permits_nothing() -> None:
    for name in ("requests_per_minute", "concurrent_runs", "tokens_per_day"):
        with pytest.raises(RateLimited):
            UsageMeter(SetClock()).charge(limited(UsageLimits(**{name: 0})), 1)
