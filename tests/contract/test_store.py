"""The contract suite of stores: conversations and runs."""

import random

import pytest

from tests.stores.samples import (
    ENDED,
    OWNER,
    STARTED,
    add_run,
    answer,
    append,
    begin,
    compacted,
    conversation,
    keep_text,
    log_of,
    names,
    run,
    stored,
    whole_run,
)
from thinkaloud.events.event import AnswerDelta
from thinkaloud.ports.store import (
    Conversation,
    ConversationPatch,
    FinishedRun,
    LogEnd,
    RunRecord,
    RunStart,
    Store,
    Unfinished,
)
from thinkaloud.stores.memory import MemoryStore


async def unfinished(store: Store) -> list[RunRecord]:
    return [each.run for each in await store.unfinished_runs()]


# Conversations


async def test_a_stored_conversation_is_read_back_unchanged(store: Store) -> None:
    kept = Conversation("talk", OWNER, 1_000, 2_000, "Why the sky is blue")
    assert await store.create_conversation(kept)
    assert await store.conversation(OWNER, "talk") == kept


async def test_an_unlisted_conversation_is_found_by_its_id_but_in_no_list_and_no_search(
    store: Store,
) -> None:
    hidden = Conversation("hidden", OWNER, 1_000, 2_000, "Sky", unlisted=True)
    assert await store.create_conversation(hidden, [FinishedRun(run(), whole_run(), "blue")])
    await store.create_conversation(conversation(title="Blue sky"))
    assert await store.conversation(OWNER, "hidden") == hidden
    started = Conversation("begun", OWNER, 1_000, 2_000, unlisted=True)
    await store.accept(RunStart(run("other", "begun"), started))
    assert await store.conversation(OWNER, "begun") == started
    assert await names(store) == await names(store, "sky") == await names(store, "blue") == ["talk"]


async def test_an_id_is_unique_within_an_owner(store: Store) -> None:
    assert await store.create_conversation(conversation(title="first"))
    assert not await store.create_conversation(conversation(title="second"))
    assert await store.create_conversation(conversation(owner="bob"))
    found = await store.conversation(OWNER, "talk")
    assert found is not None
    assert found.title == "first"


async def test_a_conversation_is_stored_with_its_initial_runs(store: Store) -> None:
    first, second = run("first"), run("second", first_seq=8)
    events = whole_run(run_id="first"), whole_run(run_id="second", first_seq=8)
    runs = [
        FinishedRun(first, events[0], "rayleigh"),
        FinishedRun(second, events[1], "scattering"),
    ]
    assert await store.create_conversation(conversation(title="copied"), runs)
    assert await log_of(store) == [*events[0], *events[1]]
    assert [await store.run(OWNER, each.run_id) for each in (first, second)] == [first, second]
    assert await unfinished(store) == []
    assert await names(store, "copied rayleigh scattering") == ["talk"]
    assert (await store.log_end(OWNER, "talk")).last_seq == 14


async def test_a_conversation_with_an_id_in_use_stores_no_runs(store: Store) -> None:
    await store.create_conversation(conversation())
    assert not await store.create_conversation(
        conversation(), [FinishedRun(run(), whole_run(), "text")]
    )
    assert await store.run(OWNER, "run") is None
    assert await log_of(store) == []


async def test_a_patch_leaves_other_fields_unchanged(store: Store) -> None:
    await store.create_conversation(Conversation("talk", OWNER, 1_000, 1_000))
    steps = [
        (
            ConversationPatch(default_title="Made"),
            Conversation("talk", OWNER, 1_000, 1_000, "Made"),
        ),
        (ConversationPatch(updated_at_ms=5_000), Conversation("talk", OWNER, 1_000, 5_000, "Made")),
        (ConversationPatch(title="Chosen"), Conversation("talk", OWNER, 1_000, 5_000, "Chosen")),
        (
            ConversationPatch(default_title="Late"),
            Conversation("talk", OWNER, 1_000, 5_000, "Chosen"),
        ),
    ]
    for change, expected in steps:
        assert await store.update_conversation(OWNER, "talk", change) == expected
        assert await store.conversation(OWNER, "talk") == expected


async def test_changing_a_deleted_conversation_does_not_restore_it(store: Store) -> None:
    assert await store.update_conversation(OWNER, "talk", ConversationPatch(title="Back")) is None
    assert await store.conversation(OWNER, "talk") is None


async def test_conversations_are_listed_latest_first_and_page_by_page(store: Store) -> None:
    for index in range(5):
        await store.create_conversation(conversation(f"c{index}", at_ms=1_000 + index))
    assert await names(store, limit=2) == ["c4", "c3"]
    assert await names(store, before=(1_003, "c3"), limit=2) == ["c2", "c1"]
    assert await names(store, before=(1_001, "c1"), limit=2) == ["c0"]
    assert await names(store, before=(1_000, "c0")) == []


async def test_paging_skips_nothing_if_many_were_updated_at_once(store: Store) -> None:
    expected = []
    for index in range(7):
        at_ms = 1_000 + index // 3
        await store.create_conversation(conversation(f"c{index}", at_ms=at_ms, title="same"))
        expected.insert(0, f"c{index}")
    for search in (None, "same"):
        seen: list[str] = []
        before = None
        while page := await store.conversations(OWNER, before=before, limit=2, search=search):
            seen += [each.conversation_id for each in page]
            before = (page[-1].updated_at_ms, page[-1].conversation_id)
        assert seen == expected


async def test_an_update_moves_a_conversation_to_the_front(store: Store) -> None:
    await store.create_conversation(conversation("older", at_ms=1_000))
    await store.create_conversation(conversation("newer", at_ms=2_000))
    await store.update_conversation(OWNER, "older", ConversationPatch(updated_at_ms=3_000))
    assert await names(store) == ["older", "newer"]


# Runs


async def test_a_stored_run_is_read_back_unchanged(store: Store) -> None:
    await store.create_conversation(conversation())
    kept = run(first_seq=17, key="again")
    await add_run(store, kept)
    assert await store.run(OWNER, "run") == kept
    assert await store.run(OWNER, "other") is None


async def test_an_idempotency_key_returns_the_first_run(store: Store) -> None:
    await store.create_conversation(conversation())
    await add_run(store, run("first", key="again"))
    await add_run(store, run("second", key="again"))
    await add_run(store, run("other"))
    found = await store.run_for_key(OWNER, "again")
    assert found is not None
    assert found.run_id == "first"
    assert await store.run_for_key(OWNER, "never") is None


async def test_a_run_is_unfinished_until_it_is_compacted_with_its_end(store: Store) -> None:
    first = await begin(store, "one")
    second = await begin(store, "two")
    events = whole_run("one", "one-run")
    await append(store, events[:-1])
    await store.compact(first, events[:-1], "Why")
    assert await unfinished(store) == [first, second]
    await append(store, events[-1:])
    assert await unfinished(store) == [first, second]
    await store.compact(first, compacted(events), "Why")
    assert await unfinished(store) == [second]


async def test_the_first_events_of_a_run_are_kept_until_it_is_compacted(store: Store) -> None:
    await store.create_conversation(conversation())
    await add_run(store, run(), STARTED)
    await append(store, whole_run())
    assert await store.unfinished_runs() == [Unfinished(run(), STARTED)]
    await add_run(store, run(first_seq=2))
    assert await store.run(OWNER, "run") == run()
    await store.compact(run(), compacted(whole_run()), "Why")
    assert await store.unfinished_runs() == []


async def test_the_first_run_creates_its_conversation_and_the_next_one_updates_it(
    store: Store,
) -> None:
    first = RunStart(run("one"), conversation(at_ms=1_000), STARTED, 500)
    second = RunStart(run("two"), conversation(at_ms=2_000, title="other"), STARTED, 300)
    assert (await store.accept(first)).created
    assert await store.log_end(OWNER, "talk") == LogEnd(0, 500)
    await store.update_conversation(OWNER, "talk", ConversationPatch(title="Blue"))
    assert not (await store.accept(second)).created
    found = await store.conversation(OWNER, "talk")
    assert found is not None
    assert (found.created_at_ms, found.updated_at_ms, found.title) == (1_000, 2_000, "Blue")
    assert await store.log_end(OWNER, "talk") == LogEnd(0, 500)
    assert await store.unfinished_runs() == [
        Unfinished(run("one"), STARTED),
        Unfinished(run("two"), STARTED),
    ]


async def test_a_finished_run_sets_the_title_once_and_returns_unused_numbers(
    store: Store,
) -> None:
    record = await begin(store)
    await append(store, whole_run())
    await store.reserve(OWNER, "talk", 500)
    await store.compact(record, compacted(whole_run()), "", title="Why blue?", reserved_seq=7)
    assert await names(store, "blue") == ["talk"]
    assert await store.log_end(OWNER, "talk") == LogEnd(7, 7)
    await store.compact(record, compacted(whole_run()), "", title="Something else")
    found = await store.conversation(OWNER, "talk")
    assert found is not None
    assert found.title == "Why blue?"
    assert await names(store, "else") == []


# Deletion


async def test_nothing_of_a_deleted_conversation_can_be_found(store: Store) -> None:
    await store.create_conversation(conversation(title="titled"))
    record = run(key="again")
    await add_run(store, record)
    await append(store, whole_run())
    await store.compact(record, compacted(whole_run()), "searchable")
    await store.reserve(OWNER, "talk", 500)
    assert await store.delete_conversation(OWNER, "talk")
    assert await store.conversation(OWNER, "talk") is None
    assert await names(store) == []
    assert await names(store, "titled") == []
    assert await names(store, "searchable") == []
    assert await store.run(OWNER, "run") is None
    assert await store.run_for_key(OWNER, "again") is None
    assert await store.unfinished_runs() == []
    assert await log_of(store) == []
    assert await store.log_end(OWNER, "talk") == LogEnd(0, 0)
    assert not await store.delete_conversation(OWNER, "talk")


async def test_a_deletion_touches_no_other_conversation(store: Store) -> None:
    await keep_text(store, "kept", "these words stay")
    await keep_text(store, "gone", "these words go")
    await store.delete_conversation(OWNER, "gone")
    assert await names(store, "words") == ["kept"]
    assert await store.run(OWNER, "kept-run") is not None
    assert len(await log_of(store, "kept")) == 1


async def test_expired_conversations_are_deleted_unless_a_run_is_active(store: Store) -> None:
    for name, at_ms in (("old", 1_000), ("busy", 1_000), ("over", 1_000), ("new", 2_000)):
        await store.create_conversation(conversation(name, at_ms=at_ms))
    await store.create_conversation(conversation("bobs", owner="bob"))
    await add_run(store, run("goes-on", "busy"))
    await add_run(store, run("ended", "over"))
    await append(store, whole_run("over", "ended"))
    gone: list[tuple[str, str]] = []
    while some := await store.purge(2_000):
        gone += some
    await store.scrub()
    assert sorted(gone) == [(OWNER, "old"), (OWNER, "over"), ("bob", "bobs")]
    assert await names(store) == ["new", "busy"]
    assert await store.run(OWNER, "ended") is None
    assert await log_of(store, "over") == []


async def test_an_id_is_free_again_after_its_conversation_is_deleted(store: Store) -> None:
    await begin(store)
    await append(store, whole_run())
    await store.delete_conversation(OWNER, "talk")
    await begin(store, owner="bob")
    assert await log_of(store, owner="bob") == []
    assert [each.run.owner for each in await store.unfinished_runs()] == ["bob"]
    await append(store, [answer("new", 1)], owner="bob")
    assert await log_of(store, owner="bob") == [answer("new", 1)]


async def test_a_run_of_a_deleted_conversation_is_not_compacted_into_a_new_one(
    store: Store,
) -> None:
    record = await begin(store)
    await append(store, whole_run())
    await store.delete_conversation(OWNER, "talk")
    assert await store.create_conversation(conversation("talk"))
    await store.compact(record, compacted(whole_run()), "Why")
    assert await log_of(store) == []


# All of it


async def _step(store: Store, dice: random.Random, seqs: dict[str, int], step: int) -> object:
    """Do something by chance, and return what the store says about it."""
    name, owner = f"c{dice.randrange(4)}", dice.choice([OWNER, "bob"])
    run_id, key = f"{owner}-{name}-{dice.randrange(3)}", f"k{dice.randrange(5)}"
    record = run(run_id, name, owner=owner, key=key)
    match dice.randrange(8):
        case 0:
            return await store.create_conversation(
                conversation(name, owner=owner, at_ms=step, title=f"t{step}")
            )
        case 1:
            await add_run(store, record)
            return await store.run_for_key(owner, record.idempotency_key or "")
        case 2:
            before = seqs.get(f"{owner} {name}", 0)
            last = seqs[f"{owner} {name}"] = before + dice.randint(1, 3)
            event = ENDED if dice.random() < 0.3 else AnswerDelta("a", f"word{step}")
            new = stored(event, last, before + 1, of=name, run_id=run_id)
            await append(store, [new], owner=owner)
            return await store.unfinished_runs()
        case 3:
            log = await log_of(store, name, owner=owner)
            mine = [each for each in log if each.logged.run_id == run_id]
            await store.compact(record, mine[-1:], f"word{step % 7} any")
            return await log_of(store, name, owner=owner)
        case 4:
            await store.reserve(owner, name, dice.randrange(50))
            return await store.log_end(owner, name)
        case 5 if dice.random() < 0.3:
            seqs.pop(f"{owner} {name}", None)
            return await store.delete_conversation(owner, name)
        case 6:
            change = ConversationPatch(title=f"u{step % 5}", updated_at_ms=step)
            return await store.update_conversation(owner, name, change)
        case _:
            return await names(store, dice.choice(["any", f"word{step % 7}", "u", "t1", ""]))


@pytest.mark.parametrize("seed", range(5))
async def test_random_operations_give_the_same_results_as_the_memory_store(
    store: Store, seed: int
) -> None:
    model = MemoryStore()
    ours, theirs = random.Random(seed), random.Random(seed)
    our_seqs: dict[str, int] = {}
    their_seqs: dict[str, int] = {}
    for step in range(150):
        expected = await _step(model, theirs, their_seqs, step)
        assert await _step(store, ours, our_seqs, step) == expected
