"""Reads untrusted databases: executes nothing in them and validates every value.

Follows SQLite's advice (sqlite.org/security.html): limits, `trusted_schema` off, `cell_size_check`
on, an authorizer, a progress handler, and `integrity_check` before anything else is read.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from thinkaloud.core.conversations.search_text import searchable
from thinkaloud.errors import InvalidRequest
from thinkaloud.events.codec import decode, decode_message
from thinkaloud.events.event import Event, VersionSelected
from thinkaloud.stores.sqlite.errors import primary_code
from thinkaloud.stores.sqlite.schema import MIGRATIONS, migrate, refuse_others, version_of

MAX_VALUE_BYTES: Final = 128 * 2**20
"""Maximum size of a value. The largest event is a message with all its files."""

_LIMITS: Final = (
    (sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES),
    (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (sqlite3.SQLITE_LIMIT_COLUMN, 100),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 50),
    (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 5),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
    (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 1),
)
_STEP: Final = 100_000
_STEPS: Final = 2_000
"""Budget in units of `_STEP` VM instructions, plus one unit per `_BYTES_A_STEP` of the file."""
_BYTES_A_STEP: Final = 2_000

_SHADOWS: Final = frozenset(
    f"words_{part}" for part in ("data", "idx", "content", "docsize", "config")
)
"""Tables of the search index. Never read: added conversations are reindexed."""
_READ_TABLES: Final = frozenset({"conversations", "runs", "events", "sqlite_master"})
_LAST_NUMBER: Final = 2**53
_LAST_MS: Final = 253_400_000_000_000
"""In the year 9999, the last one that `datetime` supports."""

_LENGTHS: Final = re.compile(rb"(?:[\x80-\xff]{0,4}[\x00-\x7f])*\Z")
"""The format of `core.delta_offsets.pack`: numbers of up to five bytes."""

_Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_:-]{1,64}\Z")]
_RunIdOrNone = Annotated[str, Meta(pattern=r"^[!-~]{0,128}\Z")]
_RunId = Annotated[str, Meta(pattern=r"^[!-~]{1,128}\Z")]
_Key = Annotated[str, Meta(pattern=r"^[!-~]{1,400}\Z")]
_Number = Annotated[int, Meta(ge=0, le=_LAST_NUMBER)]
_Ms = Annotated[int, Meta(ge=0, le=_LAST_MS)]
_Flag = Literal[0, 1]


class ConversationRow(msgspec.Struct, frozen=True, array_like=True):
    """A row of `conversations`, column by column, without its number."""

    conversation_id: _Id
    owner: Annotated[str, Meta(min_length=1, max_length=255)]
    created_at_ms: _Ms
    updated_at_ms: _Ms
    title: Annotated[str, Meta(max_length=10_000)]
    reserved_seq: _Number
    unlisted: _Flag


class RunRow(msgspec.Struct, frozen=True, array_like=True):
    """A row of `runs`, column by column, without its conversation."""

    run_id: _RunId
    owner: str
    first_seq: Annotated[int, Meta(ge=1, le=_LAST_NUMBER)]
    idempotency_key: _Key | None
    ended: _Flag
    compacted: _Flag
    message: object


class EventRow(msgspec.Struct, frozen=True, array_like=True):
    """A row of `events`, column by column, without its conversation."""

    seq: Annotated[int, Meta(ge=1, le=_LAST_NUMBER)]
    first_seq: Annotated[int, Meta(ge=1, le=_LAST_NUMBER)]
    run_id: _RunIdOrNone
    """Empty for events of the conversation itself."""
    event: object
    lengths: object


def columns(row: type[msgspec.Struct]) -> str:
    """Return the columns of a row as an SQL list."""
    return ", ".join(row.__struct_fields__)


class Found(msgspec.Struct, frozen=True):
    """A conversation that can be added."""

    number: int
    """The number of its row in the backup."""
    row: ConversationRow
    runs: tuple[RunRow, ...]


def restrain(connection: sqlite3.Connection, path: Path) -> None:
    """Restrict a connection to what reading the file needs, and limit its running time."""
    for limit, value in _LIMITS:
        connection.setlimit(limit, value)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")
    connection.set_progress_handler(_budget(path.stat().st_size), _STEP)


def bring_up_to_date(connection: sqlite3.Connection, backup: Path) -> None:
    """Check that the schema is ours, migrate it, and then make the connection read-only.

    Raises `InvalidRequest` if the schema has objects that thinkaloud does not create or a page is
    damaged, and `ConfigurationError` like `refuse_others`.
    """
    if connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is None:
        raise _no_backup(backup, "it is empty")
    refuse_others(connection, backup)
    _check_schema(connection, backup)
    if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
        raise _no_backup(backup, "it is damaged")
    migrate(connection, backup)
    allow_reading_only(connection)


def allow_reading_only(connection: sqlite3.Connection) -> None:
    """Allow a connection to read the copied tables, and nothing else."""
    connection.set_authorizer(_authorize)


def numbers(connection: sqlite3.Connection) -> list[int]:
    """Return the numbers of all conversations."""
    return [each for (each,) in connection.execute("SELECT number FROM conversations")]


def find(connection: sqlite3.Connection, number: int) -> Found | None:
    """Return a conversation if it is fully readable and consistent; else None.

    SQLite does not validate what rows mean: an id may have any length or not be text at all, a run
    may have another owner, and an event may name another conversation.
    """
    try:
        return _found(connection, number)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, sqlite3.DataError):
        return None
    except sqlite3.OperationalError as error:
        if primary_code(error):
            raise
        return None  # text that is not UTF-8: raised by Python, not by SQLite


def events(connection: sqlite3.Connection, number: int) -> Iterator[EventRow]:
    """Return the events of a conversation in order."""
    rows = connection.execute(
        f"SELECT {columns(EventRow)} FROM events WHERE conversation = ? ORDER BY seq", (number,)
    )
    return (msgspec.convert(row, EventRow) for row in rows)


def text_of(connection: sqlite3.Connection, number: int, run: RunRow) -> str:
    """Return the searchable text of a run, from its events."""
    rows = connection.execute(
        "SELECT event FROM events WHERE conversation = ? AND run_id = ? ORDER BY seq",
        (number, run.run_id),
    )
    events: Iterator[Event] = (decode(_json(event)).event for (event,) in rows)
    return searchable(events)


def _found(connection: sqlite3.Connection, number: int) -> Found | None:
    values = connection.execute(
        f"SELECT {columns(ConversationRow)} FROM conversations WHERE number = ?", (number,)
    ).fetchone()
    row = msgspec.convert(values, ConversationRow)
    name = row.conversation_id
    rows = connection.execute(
        f"SELECT {columns(RunRow)} FROM runs WHERE conversation = ? ORDER BY number", (number,)
    )
    runs = {run.run_id: run for run in (msgspec.convert(each, RunRow) for each in rows)}
    for run in runs.values():
        if run.owner != row.owner or not _is_own_key(run, name):
            return None
        if run.message is not None:
            decode_message(_json(run.message))
    last = 0
    for each in events(connection, number):
        logged = decode(_json(each.event))
        run = runs.get(_run_of(logged.event, each.run_id))
        if (logged.conversation_id, logged.run_id, logged.seq) != (name, each.run_id, each.seq):
            return None
        if run is None or not last < each.first_seq <= each.seq or each.seq < run.first_seq:
            return None
        if not 0 <= logged.at_ms <= _LAST_MS or not _are_lengths(each.lengths):
            return None
        last = each.seq
    return Found(number, row, tuple(runs.values()))


def _run_of(event: Event, run_id: str) -> str:
    """Return the run that an event belongs to or, for an event of the conversation, refers to."""
    return event.run_id if isinstance(event, VersionSelected) and not run_id else run_id


def _json(value: object) -> bytes | str:
    if not isinstance(value, bytes | str):
        raise msgspec.ValidationError("This is not JSON.")
    return value


def _are_lengths(value: object) -> bool:
    return value is None or (isinstance(value, bytes) and _LENGTHS.match(value) is not None)


def _is_own_key(run: RunRow, conversation_id: str) -> bool:
    """Whether a run's idempotency key does not belong to another conversation."""
    kind, _, rest = (run.idempotency_key or "").partition(":")
    return kind not in {"ws", "channel"} or rest.startswith(f"{conversation_id}:")


def _budget(size: int) -> Callable[[], bool]:
    left = _STEPS + size // _BYTES_A_STEP

    def spent() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    return spent


def _authorize(
    action: int, one: str | None, _two: str | None, _database: str | None, _by: str | None
) -> int:
    allowed = action == sqlite3.SQLITE_SELECT or (
        action == sqlite3.SQLITE_READ and one in _READ_TABLES
    )
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


_Object = tuple[str, str, str]


def _check_schema(connection: sqlite3.Connection, backup: Path) -> None:
    """Reject objects that can execute code, and tables of ours with another definition.

    Other plain tables are ignored.
    """
    expected = _expected(version_of(connection))
    found = _schema(connection)
    ours = {name for kind, name, _ in expected if kind == "table"}
    for (kind, name, table), sql in found.items():
        wanted = expected.get((kind, name, table))
        if name in _SHADOWS and kind == "table":
            continue
        if wanted is not None and sql != wanted:
            raise _no_backup(backup, f"its {kind} {name} is not the one that thinkaloud creates")
        if wanted is None and (kind in {"view", "trigger"} or table in ours or "VIRTUAL" in sql):
            raise _no_backup(backup, f"it has a {kind} that thinkaloud does not create")
    missing = [name for kind, name, table in expected if (kind, name, table) not in found]
    if missing:
        raise _no_backup(backup, f"it has no {missing[0]}")


def _expected(version: int) -> dict[_Object, str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh, Path(":memory:"), MIGRATIONS[:version])
        return _schema(fresh)


def _schema(connection: sqlite3.Connection) -> dict[_Object, str]:
    """Return all objects with their SQL, except those that SQLite creates itself."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    return {
        (str(kind), str(name), str(table)): " ".join(str(sql).upper().split())
        for kind, name, table, sql in rows
        if sql is not None and not str(name).startswith("sqlite_")
    }


def _no_backup(backup: Path, why: str) -> InvalidRequest:
    return InvalidRequest(f"{backup} is not a backup, or is damaged: {why}.", field="file")
