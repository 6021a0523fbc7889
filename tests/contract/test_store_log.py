"""The contract suite of stores: the log's order, repetition, compaction and numbers."""

import pytest

from tests.stores.samples import (
    OWNER,
    add_run,
    answer,
    append,
    begin,
    compacted,
    conversation,
    log_of,
    names,
    run,
    whole_run,
)
from thinkaloud.events.event import AnswerDelta
from thinkaloud.ports.store import LogEnd, Store

# The log


async def test_events_are_read_back_as_they_were_appended(store: Store) -> None:
    await begin(store)
    events = whole_run()
    await append(store, events[:3])
    await append(store, events[3:])
    assert await log_of(store) == events


async def test_a_log_is_read_page_by_page(store: Store) -> None:
    await begin(store)
    events = whole_run()
    await append(store, events)
    assert await store.read(OWNER, "talk", 0, 3) == events[:3]
    assert await store.read(OWNER, "talk", 3, 3) == events[3:6]
    assert await store.read(OWNER, "talk", 6, 3) == events[6:]
    assert await store.read(OWNER, "talk", 7, 3) == []


async def test_a_cursor_inside_merged_numbers_gets_the_merged_event(
    store: Store,
) -> None:
    await begin(store)
    coalesced = answer("three deltas", 9, 7)
    await append(store, [coalesced])
    assert await store.read(OWNER, "talk", 8, 10) == [coalesced]
    assert await store.read(OWNER, "talk", 9, 10) == []


async def test_a_batch_carries_events_of_many_conversations(store: Store) -> None:
    await begin(store, "one")
    await begin(store, "two")
    one, two = whole_run("one", "one-run"), whole_run("two", "two-run")
    await append(store, [event for pair in zip(one, two, strict=True) for event in pair])
    assert await log_of(store, "one") == one
    assert await log_of(store, "two") == two


async def test_a_repeated_batch_changes_nothing(store: Store) -> None:
    await begin(store)
    events = whole_run()
    await append(store, events)
    await append(store, events[2:])
    await append(store, events)
    assert await log_of(store) == events


@pytest.mark.promise("P4")
async def test_a_repeated_batch_with_later_events_is_stored_once(store: Store) -> None:
    await begin(store)
    await append(store, [answer("one ", 1), answer("two ", 3, 2)])
    longer = answer("two three ", 4, 2)
    await append(store, [longer])
    assert await log_of(store) == [answer("one ", 1), longer]


async def test_a_repeated_batch_does_not_undo_a_compaction(store: Store) -> None:
    record = await begin(store)
    events = whole_run()
    await append(store, events)
    await store.compact(record, compacted(events), "")
    await append(store, events)
    assert await log_of(store) == compacted(events)


async def test_numbers_may_be_skipped(store: Store) -> None:
    await begin(store)
    after_a_crash = answer("more", 65_540, 2)
    await append(store, [answer("some ", 1), after_a_crash])
    assert await log_of(store) == [answer("some ", 1), after_a_crash]


async def test_events_of_a_deleted_conversation_are_dropped_and_no_others(
    store: Store,
) -> None:
    await begin(store, "kept")
    await append(store, [*whole_run("gone"), *whole_run("kept", "kept-run")])
    assert await log_of(store, "gone") == []
    assert len(await log_of(store, "kept")) == 7


async def test_an_empty_batch_is_accepted(store: Store) -> None:
    await append(store, [])


async def test_any_text_is_returned_byte_for_byte(store: Store) -> None:
    await begin(store)
    text = " \n\t\x00 \u2028 \ufeff é e\u0301 🙂 '\"\\ 天\r\n"
    await append(store, [answer(text, 1)])
    (found,) = await log_of(store)
    assert found.logged.event == AnswerDelta("a1", text)


# Compaction


@pytest.mark.promise("P8")
async def test_a_compaction_replaces_the_events_of_its_run_and_no_others(store: Store) -> None:
    record = await begin(store)
    events, later = whole_run(), whole_run(run_id="later", first_seq=8)
    await add_run(store, run("later", first_seq=8))
    await append(store, events)
    await append(store, later)
    await store.compact(record, compacted(events), "Why is the sky blue? Rayleigh scattering.")
    assert await log_of(store) == [*compacted(events), *later]
    assert await store.log_end(OWNER, "talk") == LogEnd(14, 14)


async def test_a_compaction_keeps_the_later_text_of_its_run(store: Store) -> None:
    record = await begin(store)
    events = whole_run()
    await append(store, events)
    await store.compact(record, events[:5], "")
    assert await log_of(store) == events


async def test_a_compaction_can_be_repeated(store: Store) -> None:
    record = await begin(store)
    events = compacted(whole_run())
    await append(store, whole_run())
    await store.compact(record, events, "twice")
    await store.compact(record, events, "twice")
    assert await log_of(store) == events
    assert await names(store, "twice") == ["talk"]


async def test_a_compaction_with_the_terminal_event_ends_its_run(store: Store) -> None:
    record = await begin(store)
    await append(store, whole_run()[:-1])
    await store.compact(record, compacted(whole_run()), "")
    assert await store.unfinished_runs() == []


async def test_compacting_a_run_of_a_deleted_conversation_does_nothing(store: Store) -> None:
    record = await begin(store)
    await store.delete_conversation(OWNER, "talk")
    await store.compact(record, whole_run(), "ghost")
    assert await log_of(store) == []
    assert await names(store, "ghost") == []


# Numbers


async def test_an_empty_log_ends_at_zero(store: Store) -> None:
    assert await store.log_end(OWNER, "talk") == LogEnd(0, 0)
    await store.create_conversation(conversation())
    assert await store.log_end(OWNER, "talk") == LogEnd(0, 0)


async def test_reserved_numbers_are_distinguished_from_stored_ones(store: Store) -> None:
    await begin(store)
    await append(store, [answer("a", 1)])
    await store.reserve(OWNER, "talk", 500)
    assert await store.log_end(OWNER, "talk") == LogEnd(1, 500)
    await append(store, [answer("b", 2)])
    assert await store.log_end(OWNER, "talk") == LogEnd(2, 500)


async def test_a_clean_end_gives_reserved_numbers_back_but_never_used_ones(store: Store) -> None:
    await begin(store)
    await store.reserve(OWNER, "talk", 500)
    await append(store, [answer("a", 3, 1)])
    await store.reserve(OWNER, "talk", 2)
    assert await store.log_end(OWNER, "talk") == LogEnd(3, 3)


async def test_reserving_numbers_creates_no_conversation(store: Store) -> None:
    await store.reserve(OWNER, "talk", 500)
    assert await store.log_end(OWNER, "talk") == LogEnd(0, 0)
    assert await store.conversation(OWNER, "talk") is None
