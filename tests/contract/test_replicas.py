"""What every store promises about the replicas that share it, and about who executes a run."""

import asyncio

import pytest

from tests.stores.replicas import accept, end, open_runs, replica
from tests.stores.samples import ENDED, OWNER, answer, conversation, run, stored
from thinkaloud.errors import Fenced
from thinkaloud.ports.store import (
    Accepted,
    Outcome,
    ReplicaCounts,
    RunStart,
    Store,
    Subscription,
    TakenRun,
)

# Who is alive


async def test_a_replica_is_listed_with_what_it_reports(shared: Store) -> None:
    token = await replica(shared)
    assert await shared.beat(token, ReplicaCounts(3, 2, 1))
    (found,) = await shared.replicas()
    assert (found.token, found.name, found.version, found.started_at_ms) == (
        token,
        "one",
        "1.0",
        5_000,
    )
    assert (found.beat, found.state, found.counts) == (1, "alive", ReplicaCounts(3, 2, 1))


async def test_a_token_is_never_given_again(shared: Store) -> None:
    first = await replica(shared)
    await shared.retire(first)
    second = await replica(shared)
    assert second > first
    assert [each.token for each in await shared.replicas()] == [second]


async def test_a_replica_is_declared_dead_only_if_it_has_not_beaten_since(shared: Store) -> None:
    token = await replica(shared)
    assert await shared.beat(token, ReplicaCounts())
    assert not await shared.reap(token, 0)
    assert await shared.beat(token, ReplicaCounts())
    assert await shared.reap(token, 2)
    assert not await shared.reap(token, 2)
    assert not await shared.beat(token, ReplicaCounts())
    assert await shared.replicas() == []


async def test_a_dead_replica_writes_nothing_and_gets_no_run(shared: Store) -> None:
    dead, other = await replica(shared), await replica(shared, "two")
    record = (await accept(shared, dead)).run
    await accept(shared, other, "waiting", "elsewhere", take=False)
    await shared.reap(dead, 0)
    batch = {(OWNER, "talk"): [answer("late", 1)]}
    with pytest.raises(Fenced):
        await shared.append(batch, dead)
    with pytest.raises(Fenced):
        await shared.compact(record, [stored(ENDED, 1)], "late", token=dead)
    for refused in (accept(shared, dead, "new"), shared.take(dead, 9), shared.adopt(dead)):
        with pytest.raises(Fenced):
            await refused
    with pytest.raises(Fenced):
        await shared.take_stopped(dead)
    assert await shared.read(OWNER, "talk", 0, 9) == []
    assert await shared.run(OWNER, "new") is None


# Accepting runs


async def test_a_run_is_executed_by_the_replica_that_accepts_it(shared: Store) -> None:
    token = await replica(shared)
    accepted = await accept(shared, token)
    assert accepted == Accepted("running", run(), created=True)
    assert await open_runs(shared) == [("run", "running")]
    assert await shared.take(token, 9) == []


async def test_a_run_waits_behind_the_open_runs_of_its_conversation(shared: Store) -> None:
    one, two = await replica(shared), await replica(shared, "two")
    first = (await accept(shared, one, "first")).run
    assert (await accept(shared, two, "second")).outcome == "queued"
    assert (await accept(shared, one, "third")).outcome == "queued"
    assert await shared.take(two, 9) == []
    await end(shared, one, first, 4)
    taken = await shared.take(two, 9)
    assert taken == [TakenRun(run("second", first_seq=5), b"how to execute second")]
    assert await open_runs(shared) == [("second", "running"), ("third", "queued")]
    assert await shared.run(OWNER, "second") == run("second", first_seq=5)


async def test_a_replica_without_room_leaves_a_run_to_the_others(shared: Store) -> None:
    one, two = await replica(shared), await replica(shared, "two")
    for number in range(3):
        accepted = await accept(shared, one, f"run{number}", f"talk{number}", take=False)
        assert accepted.outcome == "queued"
    assert [each.run.run_id for each in await shared.take(two, 2)] == ["run0", "run1"]
    assert [each.run.run_id for each in await shared.take(one, 2)] == ["run2"]


async def test_a_draining_replica_takes_nothing_and_finishes_what_it_has(shared: Store) -> None:
    one, two = await replica(shared), await replica(shared, "two")
    record = (await accept(shared, one)).run
    await accept(shared, two, "other", "elsewhere", take=False)
    await shared.drain(one)
    assert await shared.take(one, 9) == []
    await end(shared, one, record, 1)
    assert [each.state for each in await shared.replicas()] == ["draining", "alive"]
    assert len(await shared.take(two, 9)) == 1


@pytest.mark.parametrize(
    ("ahead", "outcome"), [(0, "full"), (1, "full"), (2, "queued"), (None, "queued")]
)
async def test_only_so_many_runs_may_be_ahead(
    shared: Store, ahead: int | None, outcome: Outcome
) -> None:
    token = await replica(shared)
    await accept(shared, token, "first", ahead=0)
    await accept(shared, token, "second", ahead=1)
    before = await shared.conversation(OWNER, "talk")
    accepted = await accept(shared, token, "third", ahead=ahead)
    assert accepted.outcome == outcome
    assert (await shared.run(OWNER, "third") is None) == (outcome == "full")
    assert await shared.conversation(OWNER, "talk") == before


async def test_a_run_is_replaced_by_one_open_run_at_a_time(shared: Store) -> None:
    token = await replica(shared)
    first = (await accept(shared, token, "first")).run
    await end(shared, token, first, 1)
    assert (await accept(shared, token, "second", replaces="first")).outcome == "running"
    assert (await accept(shared, token, "third", replaces="first")).outcome == "replacing"
    assert (await accept(shared, token, "fourth", replaces="second")).outcome == "queued"


async def test_a_key_belongs_to_the_first_run_on_any_replica(shared: Store) -> None:
    one, two = await replica(shared), await replica(shared, "two")
    first = await accept(shared, one, "first", key="once")
    again = await accept(shared, two, "second", "elsewhere", key="once")
    assert again == Accepted("repeated", first.run)
    assert await shared.run(OWNER, "second") is None
    assert await shared.conversation(OWNER, "elsewhere") is None
    bobs = RunStart(run("bobs", owner="bob", key="once"), conversation(owner="bob"))
    assert (await shared.accept(bobs, two)).outcome == "running"


async def test_a_run_that_is_accepted_twice_is_stored_once(shared: Store) -> None:
    token = await replica(shared)
    first = await accept(shared, token)
    await shared.append({(OWNER, "talk"): [answer("seen", 1)]}, token)
    again = await accept(shared, token)
    assert (again.outcome, again.run) == ("running", first.run)
    assert await open_runs(shared) == [("run", "running")]


async def test_a_run_begins_after_the_last_event_of_its_conversation(shared: Store) -> None:
    token = await replica(shared)
    first = (await accept(shared, token, "first")).run
    await end(shared, token, first, 6)
    assert (await accept(shared, token, "second")).run.first_seq == 7


# Hints


async def hinted(subscription: Subscription, *, runs: bool = False) -> None:
    """Wait for a hint at the conversation, or at runs. It may come after others, and twice."""
    async with asyncio.timeout(30):
        while True:
            hint = await subscription.next()
            if hint.everything or (hint.runs if runs else (OWNER, "talk") in hint.conversations):
                return


async def test_what_others_may_want_to_see_is_hinted_at(shared: Store) -> None:
    token = await replica(shared)
    async with shared.subscribe() as subscription:
        await accept(shared, token)
        await shared.append({(OWNER, "talk"): [answer("a", 1)]}, token)
        await hinted(subscription)
        await accept(shared, token, "second")
        await hinted(subscription, runs=True)
        await shared.request_stop(OWNER, "run")
        await hinted(subscription, runs=True)
        await end(shared, token, run(), 2)
        await hinted(subscription, runs=True)
        await shared.delete_conversation(OWNER, "talk")
        await hinted(subscription)
