"""One suite for all implementations of the port for records of other protocols."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.protocols.records import ProtocolRecord, ProtocolRecords, RecordLimits
from thinkaloud.stores.postgres import Address, PostgresProtocolRecords
from thinkaloud.stores.protocol_records import MemoryProtocolRecords, SqliteProtocolRecords

NOW = 1_000_000
DAY = RecordLimits(max_records=100, max_bytes=10_000, max_age_ms=1_000)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def records(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncGenerator[ProtocolRecords]:
    if request.param == "memory":
        yield MemoryProtocolRecords()
        return
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        async with server.database() as url, PostgresProtocolRecords.open(Address(url)) as opened:
            yield opened
        return
    async with SqliteProtocolRecords.open(tmp_path / "protocols.db") as opened:
        yield opened


def turn(
    name: str, value: bytes = b"value", owner: str = "ana", at_ms: int = NOW
) -> ProtocolRecord:
    return ProtocolRecord(owner, "turn", name, at_ms, value)


def response(name: str, conversation_id: str = "") -> ProtocolRecord:
    return ProtocolRecord("ana", "response", name, NOW, b"value", conversation_id)


def names(found: Sequence[ProtocolRecord]) -> list[str]:
    return [each.name for each in found]


async def test_a_record_is_found_by_its_owner_kind_and_name_only(records: ProtocolRecords) -> None:
    await records.save(response("a", "talk"))
    found = await records.find("ana", "response", "a")
    assert found is not None
    assert (found.value, found.saved_at_ms, found.conversation_id) == (b"value", NOW, "talk")
    assert await records.find("bob", "response", "a") is None
    assert await records.find("ana", "turn", "a") is None
    assert await records.find("ana", "response", "b") is None
    assert await records.find("ana", "response", "a\0") is None


async def test_a_record_that_is_saved_again_replaces_itself_and_is_the_newest(
    records: ProtocolRecords,
) -> None:
    for name in "aba":
        await records.save(turn(name, name.encode() * 3))
    found = await records.newer("turn")
    assert [(each.name, each.value) for each in found] == [("b", b"bbb"), ("a", b"aaa")]


async def test_what_was_saved_since_is_read_in_order_and_nothing_else(
    records: ProtocolRecords,
) -> None:
    await records.save(turn("a"))
    await records.save(turn("b", owner="bob"))
    (_, seen) = await records.newer("turn")
    await records.save(response("c"))
    await records.save(turn("d"))
    await records.save(turn("e"))
    assert names(await records.newer("turn", seen.number)) == ["d", "e"]


async def test_a_number_is_never_used_again(records: ProtocolRecords) -> None:
    await records.save(turn("a"))
    (first,) = await records.newer("turn")
    await records.delete("ana", "turn", "a")
    await records.save(turn("b"))
    assert names(await records.newer("turn", first.number)) == ["b"]


async def test_a_conversation_has_a_record_until_the_last_one_is_deleted(
    records: ProtocolRecords,
) -> None:
    for name in "ab":
        await records.save(response(name, "talk"))
    await records.save(response("c"))
    await records.delete("ana", "response", "a")
    await records.delete("ana", "response", "unknown")
    assert await records.has_conversation("ana", "response", "talk")
    assert not await records.has_conversation("bob", "response", "talk")
    assert not await records.has_conversation("ana", "turn", "talk")
    assert not await records.has_conversation("ana", "response", "")
    await records.delete("ana", "response", "b")
    assert not await records.has_conversation("ana", "response", "talk")


async def test_too_many_records_lose_the_oldest_of_their_kind(records: ProtocolRecords) -> None:
    await records.save(response("kept"))
    for name in "abcd":
        await records.save(turn(name))
    few = RecordLimits(max_records=3, max_bytes=10_000, max_age_ms=1_000)
    (trimmed,) = await records.trim("turn", few, NOW)
    assert (trimmed.name, trimmed.value, trimmed.owner) == ("a", b"", "ana")
    small = RecordLimits(max_records=3, max_bytes=11, max_age_ms=1_000)
    assert names(await records.trim("turn", small, NOW)) == ["b"]
    assert await records.trim("turn", small, NOW) == []
    assert names(await records.newer("turn")) == ["c", "d"]
    assert names(await records.newer("response")) == ["kept"]


async def test_the_newest_record_stays_however_large_it_is_until_it_is_too_old(
    records: ProtocolRecords,
) -> None:
    await records.save(turn("a"))
    await records.save(turn("b", b"x" * 20_000))
    assert names(await records.trim("turn", DAY, NOW)) == ["a"]
    assert await records.trim("turn", DAY, NOW + 1_000) == []
    assert names(await records.trim("turn", DAY, NOW + 1_001)) == ["b"]
    assert await records.newer("turn") == []


async def test_another_owner_gets_all_records_and_keeps_its_own(records: ProtocolRecords) -> None:
    for record in (turn("a"), turn("b"), turn("b", b"own", "bob"), turn("c", owner="eve")):
        await records.save(record)
    await records.rename_owner("ana", "bob")
    found = {(each.owner, each.name): each.value for each in await records.newer("turn")}
    assert found == {("bob", "a"): b"value", ("bob", "b"): b"own", ("eve", "c"): b"value"}
    await records.delete_owner("bob")
    assert names(await records.newer("turn")) == ["c"]


async def test_a_secret_stays_the_same_and_each_name_has_its_own(records: ProtocolRecords) -> None:
    one, other = await records.secret("one"), await records.secret("other")
    assert one != other
    assert len(one) == len(other) == 32
    assert await records.secret("one") == one


async def test_secrets_and_records_survive_a_restart_in_a_file_of_their_user_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "data" / "protocols.db"
    async with SqliteProtocolRecords.open(path) as records:
        secret = await records.secret("one")
        await records.save(turn("a"))
        assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
    async with SqliteProtocolRecords.open(path) as records:
        assert await records.secret("one") == secret
        assert names(await records.newer("turn")) == ["a"]


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "protocols.db"
    path.write_text("no database, but text" * 100)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        async with SqliteProtocolRecords.open(path):
            pass
