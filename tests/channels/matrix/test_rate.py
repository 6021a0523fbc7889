"""How often an account sends."""

from tests.channels.platform.clocks import SteppedClock
from thinkaloud.channels.matrix.rate import AccountRate, gap_seconds


def test_updates_fit_synapses_default_limit_and_are_few_in_a_long_run() -> None:
    level, now, count = 10.0, 0.0, 0
    while now < 480:
        gap = gap_seconds(count)
        now += gap
        level = min(10.0, level + gap * 0.2) - 1
        count += 1
        assert level >= 4
    assert count <= 26


def test_the_gap_between_updates_stays_bounded() -> None:
    assert gap_seconds(1_000_000) == 120


async def test_only_after_a_refusal_an_account_keeps_messages_for_answers() -> None:
    clock = SteppedClock()
    rate = AccountRate(clock)
    for _ in range(100):
        assert rate.wait_seconds(final=False) == 0
        rate.count()
    rate.refused(4.0)
    assert round(rate.wait_seconds(final=True), 3) == 4.0
    assert round(rate.wait_seconds(final=False), 3) == 24.0
    await clock.advance(24)
    assert rate.wait_seconds(final=False) == 0
    rate.count()
    assert rate.wait_seconds(final=True) == 0
    assert rate.wait_seconds(final=False) > 0
