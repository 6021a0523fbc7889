"""What every store promises about which replica executes a run, and writes its events."""

import itertools

from tests.stores.replicas import accept, end, open_runs, replica
from tests.stores.samples import ENDED, OWNER, STARTED, answer, conversation, run, stored
from thinkaloud.events.event import VersionSelected
from thinkaloud.ports.store import (
    ConversationPatch,
    Store,
    Stored,
    Unfinished,
)

# Writing


async def test_a_replica_writes_only_the_runs_that_it_executes(shared: Store) -> None:
    one, two = await replica(shared), await replica(shared, "two")
    await accept(shared, one, "run")
    await accept(shared, two, "other", "elsewhere")
    theirs = stored(ENDED, 1, of="elsewhere", run_id="other")
    batch = {(OWNER, "talk"): [answer("mine", 1)], (OWNER, "elsewhere"): [theirs]}
    appended = await shared.append(batch, one)
    assert set(appended.lost) == {"other"}
    assert await shared.read(OWNER, "talk", 0, 9) == [answer("mine", 1)]
    assert await shared.read(OWNER, "elsewhere", 0, 9) == []
    assert await open_runs(shared, "elsewhere") == [("other", "running")]
    record = await shared.run(OWNER, "other")
    assert record is not None
    assert not await shared.compact(record, [theirs], "words", token=one)
    assert await open_runs(shared, "elsewhere") == [("other", "running")]


async def test_a_replica_learns_that_a_conversation_was_deleted(shared: Store) -> None:
    token = await replica(shared)
    await accept(shared, token)
    await shared.delete_conversation(OWNER, "talk")
    assert set((await shared.append({}, token, ["run"])).lost) == {"run"}


async def test_an_end_is_final_and_sets_the_conversation_free(shared: Store) -> None:
    one, two = await replica(shared), await replica(shared, "two")
    record = (await accept(shared, one)).run
    assert await shared.run_state(OWNER, "run") == "running"
    assert await shared.compact(record, [stored(ENDED, 1)], "words", token=one)
    assert await shared.run_state(OWNER, "run") == "ended"
    assert set((await shared.append({(OWNER, "talk"): [answer("more", 2)]}, one)).lost) == {"run"}
    assert (await accept(shared, two, "next")).outcome == "running"
    assert await shared.run_state("bob", "run") is None


async def test_a_batch_that_is_repeated_after_an_unknown_outcome_changes_nothing(
    shared: Store,
) -> None:
    token = await replica(shared)
    await accept(shared, token)
    batch = {(OWNER, "talk"): [answer("a", 1), stored(ENDED, 2)]}
    await shared.append(batch, token)
    await shared.append(batch, token)
    assert await shared.read(OWNER, "talk", 0, 9) == batch[OWNER, "talk"]


async def test_an_event_of_no_run_is_appended_only_between_runs(shared: Store) -> None:
    token = await replica(shared)
    record = (await accept(shared, token)).run
    selected = Stored(2, stored(VersionSelected("run"), 2, run_id="").logged)
    assert not await shared.append_between_runs(OWNER, "talk", selected, 0)
    await end(shared, token, record, 1)
    assert not await shared.append_between_runs(OWNER, "talk", selected, 0)
    assert not await shared.append_between_runs("bob", "talk", selected, 1)
    assert await shared.append_between_runs(OWNER, "talk", selected, 1)
    assert not await shared.append_between_runs(OWNER, "talk", selected, 1)
    assert (await shared.read(OWNER, "talk", 0, 9))[1:] == [selected]


async def test_many_logs_are_read_at_once_each_from_its_own_place(shared: Store) -> None:
    token = await replica(shared)
    for name in ("one", "two"):
        await accept(shared, token, f"{name}-run", name)
        events = [stored(STARTED, n, of=name, run_id=f"{name}-run") for n in (1, 2, 3)]
        await shared.append({(OWNER, name): events}, token)
    after = {(OWNER, "one"): 1, (OWNER, "two"): 3, (OWNER, "three"): 0, ("bob", "one"): 0}
    pages = await shared.read_many(after, 1)
    assert {key: [each.logged.seq for each in page.events] for key, page in pages.items()} == {
        (OWNER, "one"): [2],
        (OWNER, "two"): [],
    }


async def test_a_conversation_that_is_made_again_has_another_identity(shared: Store) -> None:
    async def identity() -> str:
        return (await shared.read_many({(OWNER, "talk"): 0}, 9))[OWNER, "talk"].identity

    await shared.create_conversation(conversation())
    first = await identity()
    await shared.update_conversation(OWNER, "talk", ConversationPatch(title="Other"))
    assert await identity() == first
    await shared.delete_conversation(OWNER, "talk")
    await shared.create_conversation(conversation())
    assert await identity() != first


# Taking over


async def test_what_a_dead_replica_executed_is_adopted_once_and_not_executed_again(
    shared: Store,
) -> None:
    dead, one, two = [await replica(shared, name) for name in ("dead", "one", "two")]
    await accept(shared, dead)
    await accept(shared, dead, "next")
    await shared.append({(OWNER, "talk"): [answer("half", 1)]}, dead)
    assert await shared.adopt(one) == []
    await shared.reap(dead, 0)
    assert await shared.adopt(one) == [Unfinished(run(), STARTED)]
    assert await shared.adopt(two) == []
    assert await shared.take(two, 9) == []
    await end(shared, one, run(), 2)
    assert [each.run.run_id for each in await shared.take(two, 9)] == ["next"]


async def test_what_an_adopter_leaves_is_adopted_by_the_next(shared: Store) -> None:
    tokens = [await replica(shared, str(number)) for number in range(3)]
    await accept(shared, tokens[0])
    for leaving, heir in itertools.pairwise(tokens):
        await shared.retire(leaving)
        assert len(await shared.adopt(heir)) == 1


async def test_runs_of_many_dead_replicas_are_adopted_in_batches(shared: Store) -> None:
    dead, one = await replica(shared), await replica(shared, "two")
    for number in range(45):
        await accept(shared, dead, f"run{number}", f"talk{number}")
    await shared.retire(dead)
    adopted: list[str] = []
    batches = 0
    while batch := await shared.adopt(one):
        adopted += [each.run.run_id for each in batch]
        batches += 1
    assert adopted == [f"run{number}" for number in range(45)]
    assert batches > 1


# Stopping


async def test_a_replica_learns_with_its_next_batch_that_a_run_is_to_stop(shared: Store) -> None:
    one = await replica(shared)
    await accept(shared, one)
    await accept(shared, one, "other", "elsewhere")
    assert not await shared.request_stop("bob", "run")
    assert not await shared.request_stop(OWNER, "unknown")
    assert (await shared.append({}, one)).stopping == []
    assert await shared.request_stop(OWNER, "run")
    assert (await shared.append({}, one, ["run", "other"])).stopping == ["run"]
    await end(shared, one, run(), 1)
    assert not await shared.request_stop(OWNER, "run")
    assert (await shared.append({}, one)).stopping == []


async def test_a_stop_outlives_the_replica_that_was_asked(shared: Store) -> None:
    dead, one = await replica(shared), await replica(shared, "two")
    await accept(shared, dead)
    await shared.request_stop(OWNER, "run")
    await shared.retire(dead)
    assert await shared.adopt(one) == [Unfinished(run(), STARTED, stopping=True)]


async def test_a_queued_run_is_stopped_by_the_replica_that_assigns_numbers(shared: Store) -> None:
    one, two = await replica(shared), await replica(shared, "two")
    first = (await accept(shared, one, "first")).run
    await accept(shared, two, "second")
    await accept(shared, two, "third")
    await shared.request_stop(OWNER, "second")
    assert await shared.take_stopped(two) == []
    (found,) = await shared.take_stopped(one)
    assert (found.run.run_id, found.message, found.stopping) == ("second", STARTED, True)
    assert await shared.take_stopped(one) == []
    await end(shared, one, found.run, 3)
    assert await open_runs(shared) == [("first", "running"), ("third", "queued")]
    await end(shared, one, first, 4)
    await shared.request_stop(OWNER, "third")
    (found,) = await shared.take_stopped(two)
    assert found.run.run_id == "third"


async def test_a_queued_run_that_is_taken_knows_that_it_is_to_stop(shared: Store) -> None:
    token = await replica(shared)
    await accept(shared, token, take=False)
    await shared.request_stop(OWNER, "run")
    (taken,) = await shared.take(token, 1)
    assert taken.stopping
