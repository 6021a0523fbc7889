"""What keeping costs: CPU per token, bytes on disk, and the time to read back, over SQLite."""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.stores.samples import (
    ENDED,
    OWNER,
    STARTED,
    add_run,
    append,
    begin,
    conversation,
    run,
    stored,
)
from thinkaloud.events.event import AnswerDelta, AnswerEnded, Event, ReasoningDelta, ReasoningEnded
from thinkaloud.ports.store import ConversationKey, Stored
from thinkaloud.stores.sqlite import SqliteStore

RUNS = 50
TOKENS_A_FLUSH = 25  # 100 a second, 250 ms
FLUSHES = 80
TARGET_BYTES = 200_000
TARGET_MESSAGES_MS = 100.0
_dice = random.Random(1)
_VOCABULARY = ["".join(_dice.choices("etaoinshrdlu", k=_dice.randint(1, 9))) for _ in range(4_000)]


def words(count: int) -> str:
    """Return text of this many words, one a token; a few of them are most of it, as in speech."""
    return "".join(
        f" {_VOCABULARY[int(len(_VOCABULARY) * _dice.random() ** 3)]}" for _ in range(count)
    )


async def appending(folder: Path, tokens_a_row: int, rows_a_run: int) -> None:
    """Measure flushes of many runs, one after the other."""
    async with SqliteStore.open(folder / f"append{tokens_a_row}.db") as store:
        names = [f"c{number}" for number in range(RUNS)]
        for name in names:
            await begin(store, name)
        batches: list[dict[ConversationKey, list[Stored]]] = []
        seq = 0
        for _ in range(FLUSHES):
            batch: dict[ConversationKey, list[Stored]] = {(OWNER, name): [] for name in names}
            for row in range(rows_a_run):
                first, last = seq + row * tokens_a_row + 1, seq + (row + 1) * tokens_a_row
                event = ReasoningDelta("r1", words(tokens_a_row))
                for name in names:
                    new = stored(event, last, first, of=name, run_id=f"{name}-run")
                    batch[OWNER, name].append(new)
            seq += tokens_a_row * rows_a_run
            batches.append(batch)
        waits: list[float] = []
        commits, cpu = store.commits, time.process_time()
        for batch in batches:
            start = time.perf_counter()
            await store.append(batch)
            waits.append((time.perf_counter() - start) * 1e3)
        cpu = (time.process_time() - cpu) * 1e6
        rows = FLUSHES * rows_a_run * RUNS
        ordered = sorted(waits)
        print(
            f"  append, {tokens_a_row:2} tokens a row: {cpu / rows:6.1f} us CPU a row, "
            f"{cpu / rows / tokens_a_row:5.2f} us a token; {store.commits - commits} commits for "
            f"{rows} rows; done after {statistics.median(waits):.1f} ms, p99 "
            f"{ordered[int(len(ordered) * 0.99)]:.1f} ms"
        )


def reply(tokens: int) -> tuple[list[Stored], list[Stored], str]:
    """Return a reply as flushed, as compacted, and its text for search."""
    spans: list[tuple[int, int, Event]] = []
    seq = 1
    half = tokens // 2
    for delta in (ReasoningDelta, AnswerDelta):
        for _ in range(half // TOKENS_A_FLUSH):
            spans.append((seq + 1, seq + TOKENS_A_FLUSH, delta("s", words(TOKENS_A_FLUSH))))
            seq += TOKENS_A_FLUSH
        seq += 1
        ended = ReasoningEnded("s", 40_000) if delta is ReasoningDelta else AnswerEnded("s")
        spans.append((seq, seq, ended))
    flushed = [stored(event, last, first) for first, last, event in spans]

    def whole(kind: type[ReasoningDelta | AnswerDelta]) -> tuple[Stored, str]:
        mine = [(f, last, event) for f, last, event in spans if isinstance(event, kind)]
        text = "".join(event.text for _, _, event in mine)
        return stored(kind("s", text), mine[-1][1], mine[0][0]), text

    thought, _ = whole(ReasoningDelta)
    answer, text = whole(AnswerDelta)
    ends = [each for each in flushed if isinstance(each.logged.event, ReasoningEnded | AnswerEnded)]
    started, terminal = stored(STARTED, 1), stored(ENDED, seq + 1)
    return (
        [started, *flushed, terminal],
        [started, thought, ends[0], answer, ends[1], terminal],
        text,
    )


async def one_reply(folder: Path) -> None:
    """Measure what a reply of 8,000 tokens leaves on disk, and how fast it is read again."""
    path = folder / "reply.db"
    async with SqliteStore.open(path):
        pass
    empty = path.stat().st_size
    flushed, compacted, text = reply(8_000)
    async with SqliteStore.open(path) as store:
        commits = store.commits
        record = await begin(store)
        for each in flushed:
            await append(store, [each])
        start = time.perf_counter()
        first = await store.read(OWNER, "talk", 0, 512)
        read = (time.perf_counter() - start) * 1e3
        start = time.perf_counter()
        await store.compact(record, compacted, text)
        compacting = (time.perf_counter() - start) * 1e3
        commits = store.commits - commits
    size = path.stat().st_size - empty
    verdict = "ok" if size < TARGET_BYTES else "MISSED"
    print(
        f"  8,000 tokens: {size / 1e3:.0f} kB on disk for {len(text) * 2 / 1e3:.0f} kB of text "
        f"(target < {TARGET_BYTES / 1e3:.0f} kB: {verdict}); {commits} transactions at one flush "
        f"each 250 ms; compacted in {compacting:.1f} ms; {len(first)} rows read in {read:.1f} ms"
    )


async def many_messages(folder: Path) -> None:
    """Measure reading a conversation of 10,000 messages, page by page, and finding it."""
    async with SqliteStore.open(folder / "many.db") as store:
        await store.create_conversation(conversation())
        for number in range(5_000):
            name, first = f"run{number}", number * 4 + 1
            record = run(name, first_seq=first)
            events: Sequence[Event] = [
                STARTED,
                AnswerDelta("a", words(60)),
                AnswerEnded("a"),
                ENDED,
            ]
            rows = [stored(event, first + i, run_id=name) for i, event in enumerate(events)]
            if number % 250:
                await append(store, rows)
            else:
                await add_run(store, record)
                await store.compact(record, rows, f"needle{number} {words(60)}")
        start = time.perf_counter()
        after = found = 0
        while page := await store.read(OWNER, "talk", after, 512):
            after = page[-1].logged.seq
            found += len(page)
        reading = (time.perf_counter() - start) * 1e3
        start = time.perf_counter()
        await store.conversations(OWNER, before=None, limit=20, search="needle2500")
        searching = (time.perf_counter() - start) * 1e3
        verdict = "ok" if reading < TARGET_MESSAGES_MS else "MISSED"
        print(
            f"  10,000 messages: {found} events read in {reading:.0f} ms "
            f"(target < {TARGET_MESSAGES_MS:.0f} ms: {verdict}); found in {searching:.1f} ms"
        )


async def main() -> None:
    """Measure everything in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        await appending(Path(folder), TOKENS_A_FLUSH, 1)
        await appending(Path(folder), 1, 2)
        await one_reply(Path(folder))
        await many_messages(Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
