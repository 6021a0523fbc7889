"""The contract suite of stores: owners are separated."""

import pytest

from tests.stores.samples import (
    ENDED,
    OWNER,
    add_run,
    append,
    begin,
    conversation,
    log_of,
    names,
    run,
    stored,
    whole_run,
)
from thinkaloud.ports.store import ConversationPatch, LogEnd, RunStart, Store


@pytest.mark.promise("P12")
async def test_another_owners_data_is_not_found(store: Store) -> None:
    await store.create_conversation(conversation(title="secret"))
    await add_run(store, run(key="again"))
    await append(store, whole_run())
    assert await store.read("bob", "talk", 0, 100) == []
    assert await store.log_end("bob", "talk") == LogEnd(0, 0)
    assert await store.conversation("bob", "talk") is None
    assert await store.conversations("bob", before=None, limit=10) == []
    assert await store.conversations("bob", before=None, limit=10, search="secret") == []
    assert await store.run("bob", "run") is None
    assert await store.run_for_key("bob", "again") is None
    assert not await store.delete_conversation("bob", "talk")
    assert (
        await store.update_conversation("bob", "talk", ConversationPatch(title="mine now")) is None
    )
    assert await store.conversation(OWNER, "talk") == conversation(title="secret")


@pytest.mark.promise("P12")
async def test_two_owners_can_use_the_same_id(store: Store) -> None:
    await begin(store)
    await append(store, whole_run())
    theirs = RunStart(run("theirs", owner="bob", key="k"), conversation(owner="bob", at_ms=9_000))
    assert (await store.accept(theirs)).created
    assert not (await store.accept(theirs)).created
    assert await log_of(store, owner="bob") == []
    assert await store.log_end("bob", "talk") == LogEnd(0, 0)
    await append(store, whole_run(run_id="theirs"), owner="bob")
    await store.reserve("bob", "talk", 500)
    await store.compact(theirs.run, [stored(ENDED, 7, run_id="theirs")], "purple", title="Hi")
    change = ConversationPatch(title="Bobs")
    assert await store.update_conversation("bob", "talk", change) == conversation(
        owner="bob", at_ms=9_000, title="Bobs"
    )
    assert await names(store, "purple") == await names(store, "bobs") == []
    assert [each.run.run_id for each in await store.unfinished_runs()] == ["run"]
    await store.delete_conversation("bob", "talk")
    assert await store.run("bob", "theirs") is None
    assert await store.conversation(OWNER, "talk") == conversation()
    assert await store.log_end(OWNER, "talk") == LogEnd(7, 7)
    assert await log_of(store) == whole_run()


@pytest.mark.promise("P12")
async def test_events_and_ends_of_another_owners_run_are_not_written_into_it(store: Store) -> None:
    await begin(store)
    await store.create_conversation(conversation(owner="bob"))
    await append(store, whole_run(), owner="bob")
    await store.compact(run(owner="bob"), [stored(ENDED, 7)], "overwritten")
    assert await log_of(store) == []
    assert [each.run.run_id for each in await store.unfinished_runs()] == ["run"]
    assert await store.purge(9_000) == [("bob", "talk")]


async def test_an_idempotency_key_belongs_to_its_owner(store: Store) -> None:
    await store.create_conversation(conversation())
    await store.create_conversation(conversation("bobs", owner="bob"))
    await add_run(store, run("anns-run", key="k"))
    await add_run(store, run("bobs-run", "bobs", owner="bob", key="k"))
    found = await store.run_for_key("bob", "k")
    assert found is not None
    assert found.run_id == "bobs-run"
