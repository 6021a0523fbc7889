"""The SQLite store: persistence, and who may open the file."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness import OWNER as LOCAL
from tests.harness import logged, open_runs, start
from tests.stores.samples import (
    ENDED,
    OWNER,
    add_run,
    answer,
    append,
    begin,
    compacted,
    conversation,
    log_of,
    run,
    stored,
    whole_run,
)
from thinkaloud.errors import Conflict, StoreError
from thinkaloud.ports.store import ConversationPatch, LogEnd
from thinkaloud.stores.sqlite import Opening, SqliteStore
from thinkaloud.stores.sqlite.lock import owner
from thinkaloud.testing import Batch, ScriptedModel, say, think


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "thinkaloud.db"


def raw(path: Path) -> closing[sqlite3.Connection]:
    """The file, as another program sees it."""
    return closing(sqlite3.connect(path, isolation_level=None))


def integrity(path: Path) -> str:
    with raw(path) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]


# What lasts


@pytest.mark.promise("P8")
async def test_stored_data_is_there_when_the_store_is_reopened(path: Path) -> None:
    events = whole_run()
    async with SqliteStore.open(path) as store:
        await store.create_conversation(conversation(title="Blue"))
        await add_run(store, run(key="again"))
        await append(store, events[:-1])
        await store.reserve(OWNER, "talk", 900)
    async with SqliteStore.open(path) as store:
        assert await store.conversation(OWNER, "talk") == conversation(title="Blue")
        assert await log_of(store) == events[:-1]
        assert await store.log_end(OWNER, "talk") == LogEnd(6, 900)
        assert [each.run for each in await store.unfinished_runs()] == [run(key="again")]
        assert await store.run_for_key(OWNER, "again") == run(key="again")
        await append(store, events[-1:])
        await store.compact(run(), compacted(events), "Rayleigh scattering.")
    async with SqliteStore.open(path, Opening(durability="relaxed")) as store:
        assert await log_of(store) == compacted(events)
        assert await store.unfinished_runs() == []
        (found,) = await store.conversations(OWNER, before=None, limit=9, search="rayleigh")
        assert found == conversation(title="Blue")


async def test_a_run_on_a_scripted_model_is_read_back_as_it_was_streamed(path: Path) -> None:
    model = ScriptedModel([think("Hm. "), say("Blue.")])
    async with SqliteStore.open(path) as store:
        async with open_runs(model, store=store) as runs:
            record = await start(runs)
            streamed = await logged(runs, record)
        kept = [
            each.logged for each in await store.read(record.owner, record.conversation_id, 0, 100)
        ]
    assert kept == streamed
    async with SqliteStore.open(path) as store:
        assert await store.run(LOCAL, record.run_id) == record
        assert await store.unfinished_runs() == []


async def test_the_event_loop_is_never_blocked(path: Path, nonblocking: None) -> None:
    async with SqliteStore.open(path) as store:
        record = await begin(store)
        await append(store, whole_run())
        await store.compact(record, compacted(whole_run()), "text")
        await store.update_conversation(OWNER, "talk", ConversationPatch(title="Blue"))
        await store.conversations(OWNER, before=None, limit=10, search="blue")
        await store.backup(path.with_name("copy.db"))
        await store.delete_conversation(OWNER, "talk")
        await store.scrub()
        await store.purge(5_000)


async def test_a_clean_end_leaves_one_file_without_a_log_beside_it(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store)
        await append(store, whole_run())
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "thinkaloud.db",
        "thinkaloud.db.lock",
    ]
    assert integrity(path) == "ok"


async def test_a_cancelled_callers_write_is_completed(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store)
        async with asyncio.TaskGroup() as tasks:
            caller = tasks.create_task(append(store, whole_run()))
            await asyncio.sleep(0)
            caller.cancel()
    assert caller.cancelled()
    async with SqliteStore.open(path) as store:
        assert await log_of(store) == whole_run()


async def test_a_closed_store_raises_a_clear_error(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store)
    with pytest.raises(StoreError, match="closed"):
        await append(store, whole_run())
    with pytest.raises(StoreError, match="closed"):
        await store.conversation(OWNER, "talk")


# Transactions


async def test_waiting_writes_are_committed_together(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store)
        before = store.commits
        await asyncio.gather(*(append(store, [answer("x", 1 + n)]) for n in range(200)))
        assert store.commits - before < 100
        assert len(await log_of(store)) == 200


async def test_one_batch_of_many_conversations_is_one_transaction(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        for name in ("one", "two", "three"):
            await begin(store, name)
        before = store.commits
        await append(store, [e for name in ("one", "two", "three") for e in whole_run(name)])
        assert store.commits - before == 1


@pytest.mark.promise("P3")
async def test_a_short_reply_costs_two_transactions_and_its_end_is_the_second(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        async with open_runs(
            ScriptedModel([say("One", "Two")]), store=store, flush_interval=3_600
        ) as runs:
            before = store.commits
            record = await start(runs, "Tell")
            events = await logged(runs, record)
            assert store.commits - before == 2
            assert await store.unfinished_runs() == []
            kept = await store.read(record.owner, record.conversation_id, 0, 100)
        assert kept[-1].logged == events[-1]
        found = await store.conversation(record.owner, record.conversation_id)
        end = await store.log_end(record.owner, record.conversation_id)
    assert found is not None
    assert found.title == "OneTwo"
    assert end.reserved_seq == end.last_seq == events[-1].seq


async def test_a_long_reply_costs_few_transactions_and_little_space(path: Path) -> None:
    tokens = [f"token{number:05} " for number in range(4_000)]
    script = [Batch(tuple(think(*tokens))), Batch(tuple(say(*tokens)))]
    async with SqliteStore.open(path) as store:
        # Nothing is flushed in between: what is left is what a run costs, however long it is.
        async with open_runs(ScriptedModel(script), store=store, flush_interval=3_600) as runs:
            before = store.commits
            events = await logged(runs, await start(runs, "Tell"))
        assert len(events) > 8_000
        assert store.commits - before <= 7
    with raw(path) as connection:
        (kept,) = connection.execute("SELECT sum(length(event)) FROM events").fetchone()
    text = len("".join(tokens)) * 2
    assert text < kept < 2.2 * text < 200_000


async def test_a_failed_write_does_not_affect_others(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store)
        too_large = stored(ENDED, 3, 2**70)
        results = await asyncio.gather(
            append(store, [answer("a", 1)]),
            append(store, [answer("b", 2), too_large]),
            append(store, [answer("c", 4)]),
            return_exceptions=True,
        )
        assert [type(each) for each in results] == [type(None), StoreError, type(None)]
        assert await log_of(store) == [answer("a", 1), answer("c", 4)]
        assert [each.run for each in await store.unfinished_runs()] == [run()]


# Who may open it


async def test_files_are_private(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store)
        await store.backup(path.with_name("copy.db"))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert modes.keys() > {"thinkaloud.db", "thinkaloud.db-wal", "copy.db"}
        assert set(modes.values()) == {0o600}


async def test_a_readable_file_is_made_private(path: Path) -> None:
    async with SqliteStore.open(path):
        pass
    path.chmod(0o644)
    async with SqliteStore.open(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_second_process_learns_which_process_uses_the_data(path: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path\n"
        "from thinkaloud.errors import ConfigurationError\n"
        "from thinkaloud.stores.sqlite import SqliteStore\n"
        "async def main():\n"
        "    try:\n"
        "        async with SqliteStore.open(Path(sys.argv[1])): print('opened')\n"
        "    except ConfigurationError as error: print(error)\n"
        "asyncio.run(main())\n"
    )

    def second() -> str:
        arguments = [sys.executable, "-c", program, str(path)]
        return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout

    async with SqliteStore.open(path) as store:
        await begin(store)
        output = await asyncio.to_thread(second)
        assert "Another thinkaloud server (process " in output
        assert f"(process {os.getpid()})" in output
        assert "THINKALOUD_DATA_DIR" in output
        assert await store.conversation(OWNER, "talk") == conversation()
    assert (await asyncio.to_thread(second)).strip() == "opened"


@pytest.mark.parametrize("left", [b"", b"1", b"\xff no number\n" * 99, b"9" * 40])
async def test_any_content_of_a_lock_file_is_accepted(path: Path, left: bytes) -> None:
    lock = path.with_name(f"{path.name}.lock")
    path.parent.mkdir()
    lock.write_bytes(left)  # 1 is a process that lives, and not ours
    assert owner(path) is None
    async with SqliteStore.open(path):
        assert owner(path) == os.getpid()
    assert lock.read_bytes() == b""


# Backup


async def test_a_backup_taken_while_runs_are_active_is_complete(path: Path) -> None:
    copy = path.with_name("copy.db")
    async with SqliteStore.open(path) as store:
        await begin(store)
        await append(store, [answer("x" * 1_000, seq) for seq in range(1, 2_000)])
        async with asyncio.TaskGroup() as tasks:
            backup = tasks.create_task(store.backup(copy))
            seq = 2_000
            while not backup.done():
                await append(store, [answer("x" * 1_000, seq)])
                seq += 1
        whole = await log_of(store)
    assert {each.name for each in path.parent.glob("copy*")} == {"copy.db"}
    assert integrity(copy) == "ok"
    async with SqliteStore.open(copy) as store:
        kept = await log_of(store)
        assert len(kept) >= 1_999
        assert kept == whole[: len(kept)]


async def test_a_backup_replaces_nothing(path: Path) -> None:
    copy = path.with_name("copy.db")
    copy.parent.mkdir()
    copy.write_text("precious", encoding="utf-8")
    async with SqliteStore.open(path) as store:
        with pytest.raises(Conflict, match=r"copy\.db"):
            await store.backup(copy)
    assert copy.read_text(encoding="utf-8") == "precious"


async def test_an_opening_that_is_cancelled_leaves_nothing_open(path: Path) -> None:
    entering = asyncio.ensure_future(SqliteStore.open(path).__aenter__())
    await asyncio.sleep(0)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name, f"{path.name}.lock"]
    async with SqliteStore.open(path) as store:
        await begin(store)
