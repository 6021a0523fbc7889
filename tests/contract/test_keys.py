"""The contract suite of stores for API keys."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest

from tests.postgres import PostgresServer
from thinkaloud.errors import ConfigurationError, StoreError
from thinkaloud.ports.keys import ApiKey, AuditEntry, KeySecret, KeyStore, LastAdminKey, Session
from thinkaloud.ports.principal import ALL_SCOPES, UsageLimits
from thinkaloud.ports.selections import Selection
from thinkaloud.stores.keys import MemoryKeyStore, SqliteKeyStore
from thinkaloud.stores.postgres import Address, PostgresKeyStore

NOW = 1_000_000


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[KeyStore]:
    if request.param == "memory":
        yield MemoryKeyStore()
        return
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        async with server.database() as url, PostgresKeyStore.open(Address(url)) as opened:
            yield opened
        return
    async with SqliteKeyStore.open(tmp_path / "data" / "keys.db") as opened:
        yield opened


def key(key_id: str = "one", *, admin: bool = False) -> ApiKey:
    return ApiKey(
        key_id=key_id,
        name=f"key {key_id}",
        owner="ada",
        role="admin" if admin else "user",
        scopes=ALL_SCOPES if admin else frozenset({"chat", "read"}),
        secrets=(KeySecret(1, b"\0digest", None),),
        created_at_ms=5,
        expires_at_ms=NOW + 9,
        models=("lab/*",),
        max_effort="high",
        reasoning="redact",
        limits=UsageLimits(requests_per_minute=3),
    )


def revoked(before: ApiKey) -> ApiKey:
    return msgspec.structs.replace(before, revoked_at_ms=NOW)


def session(digest: bytes, key_id: str = "one") -> Session:
    return Session(digest, key_id, 1, NOW, NOW)


def entry(at_ms: int) -> AuditEntry:
    return AuditEntry(at_ms=at_ms, act="login", by="ada", key_id="one", address="::1", detail="x")


async def test_keys_come_back_as_they_were_added_oldest_first(store: KeyStore) -> None:
    assert await store.add_key(key("z")) is True
    assert await store.add_key(key("a", admin=True)) is True
    assert await store.keys() == [key("z"), key("a", admin=True)]


async def test_an_id_is_used_once(store: KeyStore) -> None:
    assert await store.add_key(key()) is True
    assert await store.add_key(key(admin=True)) is False
    assert await store.keys() == [key()]


async def test_of_two_changes_of_the_same_key_one_wins(store: KeyStore) -> None:
    await store.add_key(key())
    others = [msgspec.structs.replace(key(), name=name) for name in ("b", "c")]
    done = await asyncio.gather(*(store.change_key(key(), other) for other in others))
    assert sorted(done) == [False, True]
    assert [each.name for each in await store.keys()] == [others[done.index(True)].name]


async def test_an_unknown_key_is_not_changed(store: KeyStore) -> None:
    assert await store.change_key(key(), revoked(key())) is False
    assert await store.keys() == []


async def test_use_neither_prevents_a_change_nor_counts_as_one(store: KeyStore) -> None:
    await store.add_key(key())
    before = await store.revision()
    await store.mark_used({"one": NOW, "unknown": NOW})
    assert await store.revision() == before
    assert await store.change_key(key(), revoked(key())) is True
    (found,) = await store.keys()
    assert (found.last_used_ms, found.revoked_at_ms) == (NOW, NOW)


async def test_the_last_admin_key_is_kept_if_asked(store: KeyStore) -> None:
    admins = [key("one", admin=True), key("two", admin=True)]
    for each in (*admins, key("user")):
        await store.add_key(each)
    done = await asyncio.gather(
        *(store.change_key(each, revoked(each), keep_admin_at_ms=NOW) for each in admins),
        return_exceptions=True,
    )
    assert True in done
    assert any(isinstance(each, LastAdminKey) for each in done)
    (live,) = [each for each in await store.keys() if each.is_admin(NOW)]
    with pytest.raises(LastAdminKey):
        await store.change_key(
            live, msgspec.structs.replace(live, role="user"), keep_admin_at_ms=NOW
        )
    assert await store.change_key(live, revoked(live)) is True


async def test_deleted_keys_delete_their_sessions(store: KeyStore) -> None:
    await store.add_key(key("one"))
    await store.add_key(key("two"))
    await store.add_session(session(b"1", "one"))
    await store.add_session(session(b"2", "two"))
    await store.forget_keys(["one", "unknown"])
    assert [each.key_id for each in await store.keys()] == ["two"]
    assert await store.sessions() == [session(b"2", "two")]


async def test_sessions_are_kept_until_they_are_ended(store: KeyStore) -> None:
    for digest in (b"\xff", b"b", b"c"):
        await store.add_session(session(digest))
    await store.mark_sessions_used({b"b": NOW + 5, b"unknown": NOW})
    await store.end_sessions([b"\xff", b"unknown"])
    assert await store.sessions() == [
        msgspec.structs.replace(session(b"b"), last_used_ms=NOW + 5),
        session(b"c"),
    ]


async def test_the_revision_changes_with_keys_and_sessions(store: KeyStore) -> None:
    seen = [await store.revision()]
    await store.add_key(key())
    seen.append(await store.revision())
    await store.change_key(key(), revoked(key()))
    seen.append(await store.revision())
    await store.add_session(session(b"1"))
    seen.append(await store.revision())
    await store.end_sessions([b"1"])
    seen.append(await store.revision())
    await store.forget_keys(["one"])
    seen.append(await store.revision())
    assert len(set(seen)) == 6


async def test_the_audit_log_is_read_in_pages_newest_first(store: KeyStore) -> None:
    await store.append_audit([entry(at) for at in range(1, 6)])
    first = await store.audit(limit=2)
    rest = await store.audit(before=first[-1].number, limit=10)
    assert [each.at_ms for each in (*first, *rest)] == [5, 4, 3, 2, 1]
    assert msgspec.structs.replace(first[0], number=0) == entry(5)


async def test_the_audit_log_is_read_for_one_actor(store: KeyStore) -> None:
    others = [msgspec.structs.replace(entry(at), by="bob") for at in (2, 4)]
    await store.append_audit([entry(1), others[0], entry(3), others[1], entry(5)])
    found = await store.audit(limit=9, by="bob")
    assert [each.at_ms for each in found] == [4, 2]
    assert [each.at_ms for each in await store.audit(limit=1, by="bob")] == [4]
    before = await store.audit(limit=9, by="bob", before=found[0].number)
    assert [each.at_ms for each in before] == [2]
    assert await store.audit(limit=9, by="nobody") == []


async def test_the_audit_log_keeps_the_newest_entries_and_never_reuses_a_number(
    store: KeyStore,
) -> None:
    await store.append_audit([entry(at) for at in range(1, 6)])
    await store.trim_audit(before_ms=2, keep=3)
    assert [each.at_ms for each in await store.audit(limit=10)] == [5, 4, 3]
    await store.trim_audit(before_ms=5, keep=3)
    assert [each.at_ms for each in await store.audit(limit=10)] == [5]
    (last,) = await store.audit(limit=10)
    await store.trim_audit(before_ms=9, keep=3)
    await store.append_audit([entry(9)])
    (newest,) = await store.audit(limit=10)
    assert newest.number > last.number


async def test_another_process_sees_changes_at_once_and_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    async with SqliteKeyStore.open(path) as one, SqliteKeyStore.open(path) as other:
        before = await other.revision()
        await one.add_key(key())
        assert await other.keys() == [key()]
        assert await other.revision() != before
        assert await other.change_key(key(), revoked(key())) is True
        assert await one.keys() == [revoked(key())]
        assert await one.change_key(key(), key()) is False
    async with SqliteKeyStore.open(path) as again:
        assert await again.keys() == [revoked(key())]


async def test_the_files_belong_to_their_user_alone(tmp_path: Path) -> None:
    async with SqliteKeyStore.open(tmp_path / "data" / "keys.db") as store:
        await store.add_key(key())
        files = list((tmp_path / "data").iterdir())
        assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
        assert "keys.db" in {each.name for each in files}


async def test_a_file_that_is_not_a_database_refuses_to_open(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    path.write_text("no database, but text" * 100)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        async with SqliteKeyStore.open(path):
            pass


async def test_a_damaged_key_is_an_error_that_does_not_end_the_store(tmp_path: Path) -> None:
    async with SqliteKeyStore.open(tmp_path / "keys.db") as store:
        await store.add_key(key())
        with sqlite3.connect(tmp_path / "keys.db") as other:
            other.execute("UPDATE keys SET record = '{}'")
        other.close()
        with pytest.raises(StoreError, match="damaged"):
            await store.keys()
        assert await store.sessions() == []


def test_digests_are_not_shown() -> None:
    assert "digest" not in repr(key())
    assert "secret digest" not in repr(session(b"secret digest"))


async def test_used_tokens_add_up_and_end_with_their_day(store: KeyStore) -> None:
    usage = store.usage
    await usage.add(7, {"key:a": 5, "owner:ana": 5})
    await usage.add(7, {"owner:ana": 4})
    assert await usage.tokens(7) == {"key:a": 5, "owner:ana": 9}
    assert await usage.tokens(8) == {}
    await usage.add(8, {"owner:ana": 1})
    assert (await usage.tokens(7), await usage.tokens(8)) == ({}, {"owner:ana": 1})
    await usage.add(7, {"owner:ana": 50})
    assert await usage.tokens(8) == {"owner:ana": 1}


async def test_used_tokens_move_to_another_account_and_are_deleted(store: KeyStore) -> None:
    usage = store.usage
    await usage.add(7, {"owner:ana": 5, "owner:bob": 4})
    await usage.rename({"owner:ana": "owner:bob", "owner:unknown": "owner:eve"})
    assert await usage.tokens(7) == {"owner:bob": 9}
    await usage.delete(["owner:bob", "owner:unknown"])
    assert await usage.tokens(7) == {}


async def test_selections_are_kept_latest_last_up_to_a_number(store: KeyStore) -> None:
    selections = store.selections
    await selections.save("ana", Selection("a/one", 2_000), keep=2)
    await selections.save("bob", Selection("b/two", "low"), keep=2)
    await selections.save("ana", Selection("b/two"), keep=2)
    assert list((await selections.all()).items()) == [
        ("bob", Selection("b/two", "low")),
        ("ana", Selection("b/two")),
    ]
    await selections.save("eve", Selection("a/one", 2_000), keep=2)
    assert await selections.all() == {
        "ana": Selection("b/two"),
        "eve": Selection("a/one", 2_000),
    }


async def test_a_selection_moves_to_an_owner_without_one_and_is_deleted(store: KeyStore) -> None:
    selections = store.selections
    await selections.save("ana", Selection("a/one"), keep=9)
    await selections.rename("ana", "bob")
    await selections.rename("unknown", "bob")
    assert await selections.all() == {"bob": Selection("a/one")}
    await selections.save("ana", Selection("b/two"), keep=9)
    await selections.rename("ana", "bob")
    assert await selections.all() == {"bob": Selection("a/one")}
    await selections.delete("bob")
    await selections.delete("unknown")
    assert await selections.all() == {}


async def test_a_file_of_an_earlier_version_is_migrated_with_its_keys(
    tmp_path: Path,
) -> None:
    path = tmp_path / "keys.db"
    async with SqliteKeyStore.open(path) as store:
        await store.add_key(key())
    with sqlite3.connect(path) as earlier:
        earlier.execute("DROP TABLE usage")
        earlier.execute("DROP TABLE selections")
        earlier.execute("PRAGMA user_version = 1")
    earlier.close()
    async with SqliteKeyStore.open(path) as store:
        await store.usage.add(7, {"key:one": 5})
        await store.selections.save("ana", Selection("a/one"), keep=9)
        assert await store.keys() == [key()]
    async with SqliteKeyStore.open(path) as store:
        assert await store.usage.tokens(7) == {"key:one": 5}
        assert await store.selections.all() == {"ana": Selection("a/one")}
