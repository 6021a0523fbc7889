"""The contract suite of upload stores."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.harness import FakeClock
from tests.postgres import PostgresServer
from thinkaloud.errors import StoreError
from thinkaloud.ports.uploads import Upload, UploadQuota, Uploads
from thinkaloud.stores.postgres import Address, PostgresUploads
from thinkaloud.stores.postgres.connection import Link
from thinkaloud.stores.uploads import FileUploads, MemoryUploads

Maker = Callable[..., Uploads]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory", "files", "postgres"])
async def made(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> AsyncGenerator[Maker]:
    async with AsyncExitStack() as stack:
        link: Link | None = None
        if request.param == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = await stack.enter_async_context(server.database())
            link = await stack.enter_async_context(Address(url).link())

        def make(files: int = 200, size: int = 10_000_000) -> Uploads:
            room = UploadQuota(files, size)
            if link is not None:
                return PostgresUploads(link, clock, room)
            if request.param == "memory":
                return MemoryUploads(clock, room)
            return FileUploads(tmp_path / "data" / "uploads", clock, room)

        yield make


async def test_a_stored_upload_is_read_back_unchanged(made: Maker) -> None:
    uploads = made(9)
    kept = await uploads.keep("alice", "a.txt", "text/plain", b"one\r\ntwo\x00")
    assert re.fullmatch("upl_[0-9a-f]{32}", kept.id)
    assert (kept.owner, kept.name, kept.media_type) == ("alice", "a.txt", "text/plain")
    assert kept.bytes == 9
    assert await uploads.get("alice", kept.id) == (kept, b"one\r\ntwo\x00")


async def test_the_same_file_twice_is_two_uploads(made: Maker) -> None:
    uploads = made(9)
    first, second = [await uploads.keep("alice", "a", "text/plain", b"x") for _ in range(2)]
    assert first.id != second.id
    assert await uploads.delete("alice", first.id)
    assert await uploads.get("alice", first.id) is None
    assert await uploads.get("alice", second.id) == (second, b"x")
    assert not await uploads.delete("alice", first.id)


@pytest.mark.promise("P12")
async def test_another_owners_upload_is_not_found(made: Maker) -> None:
    uploads = made(9)
    kept = await uploads.keep("alice", "a", "text/plain", b"secret")
    assert await uploads.get("bob", kept.id) is None
    assert not await uploads.delete("bob", kept.id)
    assert await uploads.get("alice", kept.id) is not None


async def test_a_large_or_empty_file_is_read_back_unchanged(made: Maker) -> None:
    uploads = made()
    for data in (b"", bytes(range(256)) * 10_000):
        kept = await uploads.keep("alice", "naïve\0.bin", "text/plain", data)
        found = await uploads.get("alice", kept.id)
        assert found == (kept, data)


async def test_an_invalid_id_finds_nothing(made: Maker) -> None:
    uploads = made(9)
    kept = await uploads.keep("alice", "a", "text/plain", b"x")
    plain = kept.id.removeprefix("upl_")
    for name in (
        "",
        plain,
        f"{kept.id}\n",
        f"{kept.id}.json",
        f"upl_../uploads/{plain}",
        f"upl_{plain.upper()}x",
        f"./{kept.id}",
        "upl_" + "0" * 32,
        "upl_\x00",
    ):
        assert await uploads.get("alice", name) is None, name
        assert not await uploads.delete("alice", name), name


async def test_the_owners_oldest_upload_is_evicted_and_no_other_owners(
    made: Maker, clock: FakeClock
) -> None:
    uploads = made(2)
    others = await uploads.keep("bob", "b", "text/plain", b"b")
    kept: list[Upload] = []
    for number in range(3):
        await clock.sleep(1)
        kept.append(await uploads.keep("alice", f"{number}", "text/plain", b"x"))
    there = [await uploads.get("alice", each.id) is not None for each in kept]
    assert there == [False, True, True]
    assert await uploads.get("bob", others.id) is not None


async def test_the_oldest_uploads_make_room_for_the_bytes_of_a_new_one(
    made: Maker, clock: FakeClock
) -> None:
    uploads = made(size=100)
    others = await uploads.keep("bob", "b", "text/plain", b"b" * 90)
    for size in (30, 40, 30, 60):
        await clock.sleep(1)
        await uploads.keep("alice", f"{size}", "text/plain", b"x" * size)
    page = await uploads.page("alice", before=None, limit=9)
    assert [each.bytes for each in page] == [60, 30]
    assert await uploads.get("bob", others.id) is not None


async def test_an_owners_uploads_are_paginated_newest_first(made: Maker, clock: FakeClock) -> None:
    uploads = made()
    await uploads.keep("bob", "b", "text/plain", b"b")
    for number in range(3):
        await clock.sleep(1)
        await uploads.keep("alice", f"{number}", "text/plain", b"x")
    first = await uploads.page("alice", before=None, limit=2)
    before = (first[-1].created_at_ms, first[-1].id)
    rest = await uploads.page("alice", before=before, limit=2)
    assert [each.name for each in (*first, *rest)] == ["2", "1", "0"]
    assert await uploads.page("carol", before=None, limit=2) == []


async def test_an_upload_is_deleted_with_the_last_conversation_that_used_it(made: Maker) -> None:
    uploads = made()
    kept = await uploads.keep("alice", "a", "text/plain", b"x")
    unused = await uploads.keep("alice", "b", "text/plain", b"x")
    for conversation in ("one", "two", "two"):
        await uploads.use("alice", [kept.id, "upl_" + "0" * 32, "../x"], conversation)
    assert set(await uploads.used()) == {("alice", "one"), ("alice", "two")}
    await uploads.release("alice", "one")
    await uploads.release("alice", "three")
    assert await uploads.get("alice", kept.id) is not None
    await uploads.release("alice", "two")
    assert await uploads.get("alice", kept.id) is None
    assert await uploads.get("alice", unused.id) is not None
    assert set(await uploads.used()) == set()


@pytest.mark.promise("P12")
async def test_no_other_owner_can_use_or_release_an_upload(made: Maker) -> None:
    uploads = made()
    kept = await uploads.keep("alice", "a", "text/plain", b"x")
    await uploads.use("bob", [kept.id], "one")
    assert set(await uploads.used()) == set()
    await uploads.use("alice", [kept.id], "one")
    await uploads.release("bob", "one")
    assert await uploads.get("alice", kept.id) is not None


async def test_the_newest_upload_stays_though_the_clock_went_back(
    made: Maker, clock: FakeClock
) -> None:
    uploads = made(1)
    first = await uploads.keep("alice", "a", "text/plain", b"x")
    clock.now_ms -= 500
    second = await uploads.keep("alice", "b", "text/plain", b"x")
    assert await uploads.get("alice", first.id) is None
    assert await uploads.get("alice", second.id) is not None


async def test_concurrent_uploads_do_not_collide(made: Maker) -> None:
    uploads = made(99)
    texts = [f"text {n}".encode() * 1000 for n in range(20)]
    kept = await asyncio.gather(*(uploads.keep("alice", "a", "text/plain", t) for t in texts))
    found = [await uploads.get("alice", each.id) for each in kept]
    assert [each[1] for each in found if each is not None] == texts


async def test_a_file_upload_outlives_the_process_and_only_its_user_may_read_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "uploads"
    kept = await FileUploads(folder, FakeClock()).keep("alice", "../../x", "text/plain", b"x")
    plain = kept.id.removeprefix("upl_")
    assert {path.name for path in folder.iterdir()} == {plain, f"{plain}.json"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == [folder]
    assert await FileUploads(folder, FakeClock()).get("alice", kept.id) == (kept, b"x")


async def test_half_written_files_of_a_dead_process_are_deleted_and_others_kept(
    tmp_path: Path,
) -> None:
    kept = await FileUploads(tmp_path, FakeClock()).keep("alice", "a", "text/plain", b"x")
    half = tmp_path / ("0" * 32)
    half.write_bytes(b"no note")
    (tmp_path / f"{'1' * 32}.new").write_bytes(b"hal")
    (tmp_path / "README").write_text("Not ours.", encoding="utf-8")
    (tmp_path / f"{kept.id.removeprefix('upl_')}.json.new").write_bytes(b"hal")
    again = FileUploads(tmp_path, FakeClock())
    await again.use("alice", [kept.id], "c")
    assert set(await again.used()) == {("alice", "c")}
    assert await again.get("alice", f"upl_{half.name}") is None
    newer = await again.keep("alice", "b", "text/plain", b"y")
    plain = [each.id.removeprefix("upl_") for each in (kept, newer)]
    assert {path.name for path in tmp_path.iterdir()} == {
        *plain,
        *(f"{each}.json" for each in plain),
        "README",
    }


async def test_an_unusable_folder_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    uploads = FileUploads(tmp_path / "taken", FakeClock())
    with pytest.raises(StoreError, match="taken"):
        await uploads.keep("alice", "a", "text/plain", b"x")
    kept = await FileUploads(tmp_path / "there", FakeClock()).keep("a", "a", "text/plain", b"x")
    note = tmp_path / "there" / f"{kept.id.removeprefix('upl_')}.json"
    note.write_bytes(b'{"id": 7}')
    with pytest.raises(StoreError, match="damaged"):
        await FileUploads(tmp_path / "there", FakeClock()).get("a", kept.id)
