"""The pacer of a channel: spacing, budgets, and delays that the platform asks for."""

import asyncio

import pytest

from tests.channels.platform.chatting import chatting
from tests.channels.platform.clocks import SteppedClock, settle
from thinkaloud.channels.platform.engine.pacer import Pacer
from thinkaloud.channels.platform.errors import RetryLater
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Budget, Limits
from thinkaloud.providers.scripted import Wait, say

ADA, BOB = ChatAddress("t", "ada"), ChatAddress("t", "bob")


def pacer(clock: SteppedClock, **limits: object) -> Pacer:
    return Pacer(Limits(**limits), clock)  # type: ignore[arg-type]


def delay(of: Pacer, chat: ChatAddress = ADA, *, final: bool = False, group: bool = False) -> float:
    return of.delay(chat, is_group=group, final=final)


async def test_updates_of_a_chat_are_spaced_and_its_final_is_not() -> None:
    clock = SteppedClock()
    pace = pacer(clock, edit_seconds=1.0, group_edit_seconds=3.0)
    pace.count(ADA, is_group=False)
    assert (delay(pace), delay(pace, final=True), delay(pace, BOB)) == (1.0, 0, 0)
    pace.count(BOB, is_group=True)
    assert delay(pace, BOB, group=True) == 3.0
    await clock.advance(1)
    assert delay(pace) == 0


async def test_a_budget_of_the_channel_is_shared_and_keeps_a_reserve_for_finals() -> None:
    clock = SteppedClock()
    budget = Budget("send", capacity=4, per_seconds=60, reserve=1)
    pace = pacer(clock, edit_seconds=0, budgets=(budget,), show_spends=("send",))
    for chat in (ADA, BOB, ADA):
        assert delay(pace, chat) == 0
        pace.count(chat, is_group=False)
    assert delay(pace, BOB) == 60.0
    assert delay(pace, BOB, final=True) == 0
    pace.count(BOB, is_group=False)
    assert delay(pace, ADA, final=True) == 60.0
    await clock.advance(60)
    assert delay(pace, BOB) == 0


async def test_updates_let_a_waiting_final_pass() -> None:
    clock = SteppedClock()
    budget = Budget("send", capacity=2, per_seconds=10, reserve=0)
    pace = pacer(clock, edit_seconds=0, budgets=(budget,), show_spends=("send",))
    pace.wait_final(BOB, is_group=False, waiting=True)
    assert delay(pace, ADA) > 0
    assert delay(pace, BOB, final=True) == 0
    pace.wait_final(BOB, is_group=False, waiting=False)
    assert delay(pace, ADA) == 0


async def test_a_budget_of_groups_counts_each_group_by_itself_and_no_direct_chat() -> None:
    clock = SteppedClock()
    budget = Budget("group", capacity=1, per_seconds=60, scope="group", reserve=0)
    pace = pacer(
        clock, edit_seconds=0, group_edit_seconds=0, budgets=(budget,), show_spends=("group",)
    )
    pace.count(ADA, is_group=True)
    assert delay(pace, ADA, group=True) == 60.0
    assert delay(pace, BOB, group=True) == 0
    assert delay(pace, ADA) == 0


async def test_an_order_to_wait_holds_for_its_scope() -> None:
    clock = SteppedClock()
    pace = pacer(clock, edit_seconds=0)
    pace.obey(RetryLater(280, "updates"), ADA)
    assert (delay(pace), delay(pace, final=True), delay(pace, BOB)) == (280.0, 0, 0)
    pace.obey(RetryLater(5), ADA)
    assert (delay(pace, final=True), delay(pace, BOB)) == (5.0, 0)
    pace.obey(RetryLater(9, "channel"), ADA)
    assert delay(pace, BOB, final=True) == 9.0


async def test_spending_waits_for_room_and_finals_come_first() -> None:
    clock = SteppedClock()
    budget = Budget("append", capacity=1, per_seconds=10, reserve=0)
    pace = pacer(clock, budgets=(budget,))
    order: list[str] = []

    async def spend(name: str, *, final: bool) -> None:
        await pace.spend("append", final=final)
        order.append(name)

    await pace.spend("append")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(spend("update", final=False))
        tasks.create_task(spend("final", final=True))
        await settle()
        assert order == []
        assert pace.try_spend("append") is False
        await clock.advance(40)
    assert order == ["final", "update"]
    assert pace.try_spend("append", final=True) is True


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300, -5.0, 0.0])
async def test_an_order_to_wait_that_makes_no_sense_neither_raises_nor_waits_for_ever(
    seconds: float,
) -> None:
    clock = SteppedClock()
    paced = pacer(clock)
    paced.obey(RetryLater(seconds), ADA)
    wait = delay(paced, final=True)
    assert 0 < wait <= 24 * 3600


async def test_a_rate_limit_of_a_reply_delays_the_other_calls_of_the_channel() -> None:
    go = asyncio.Event()
    async with chatting([Wait(go), say("Blue.")]) as chat:
        await chat.says("Which color?", "1")
        await settle()
        chat.platform.failures = [RetryLater(60, "channel")]
        await chat.says("/help", "2")
        await settle()
        go.set()
        await chat.clock.advance(59)
        assert chat.platform.bubbles == []
        await chat.clock.advance(2)
        assert {each.visible[:4] for each in chat.platform.bubbles} == {"Blue", "Send"}


async def test_a_reply_waits_for_the_rate_limit_of_an_answer() -> None:
    async with chatting([say("Blue.")]) as chat:
        chat.platform.failures = [RetryLater(60)]
        await chat.says("Which color?", "1")
        await chat.clock.advance(1)
        assert chat.platform.failures == []
        await chat.says("/help", "2")
        await chat.clock.advance(50)
        assert chat.platform.bubbles == []
        await chat.clock.advance(20)
        assert len(chat.platform.bubbles) == 2
