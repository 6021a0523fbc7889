"""The contract suite of stores for channel state."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.stores.channel_state import MemoryChannelState, SqliteChannelState
from thinkaloud.stores.postgres import Address, PostgresChannelState


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def state(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[ChannelState]:
    if request.param == "memory":
        yield MemoryChannelState()
        return
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        async with server.database() as url, PostgresChannelState.open(Address(url)) as opened:
            yield opened
        return
    async with SqliteChannelState.open(tmp_path / "channels.db") as opened:
        yield opened


async def test_a_value_is_found_under_its_channel_kind_and_key(state: ChannelState) -> None:
    await state.put("a", "chat", "k", b"one")
    await state.put("a", "chat", "k", b"two")
    assert await state.get("a", "chat", "k") == b"two"
    assert await state.get("b", "chat", "k") is None
    assert await state.get("a", "person", "k") is None


async def test_a_value_is_added_only_once(state: ChannelState) -> None:
    assert await state.add("a", "seen", "k", b"1") is True
    assert await state.add("a", "seen", "k", b"1") is False
    assert await state.add("a", "seen", "k", b"2") is False
    assert await state.get("a", "seen", "k") == b"1"


async def test_a_key_can_be_any_text(state: ChannelState) -> None:
    await state.put("a", "chat", "é\0", b"one")
    assert await state.get("a", "chat", "é\0") == b"one"
    assert await state.get("a", "chat", "\0") is None


async def test_of_two_concurrent_takers_only_one_gets_the_value(state: ChannelState) -> None:
    await state.put("a", "pairing", "k", b"code")
    taken = await asyncio.gather(*(state.take("a", "pairing", "k") for _ in range(5)))
    assert sorted(taken, key=bool) == [None, None, None, None, b"code"]
    assert await state.get("a", "pairing", "k") is None


async def test_entries_come_oldest_first_of_one_channel_or_all(state: ChannelState) -> None:
    for channel, key in (("a", "2"), ("b", "1"), ("a", "1")):
        await state.put(channel, "person", key, key.encode())
    await state.put("a", "person", "2", b"changed")
    assert [(e.key, e.value) for e in await state.entries("person", "a")] == [
        ("2", b"changed"),
        ("1", b"1"),
    ]
    assert {e.channel for e in await state.entries("person")} == {"a", "b"}
    assert await state.entries("chat") == []


async def test_trimming_deletes_the_oldest(state: ChannelState) -> None:
    for key in "abcd":
        await state.put("a", "seen", key, b"")
    await state.put("b", "seen", "z", b"")
    await state.trim("a", "seen", 2)
    assert [entry.key for entry in await state.entries("seen", "a")] == ["c", "d"]
    assert len(await state.entries("seen", "b")) == 1


async def test_two_processes_see_each_others_changes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "data" / "channels.db"
    async with SqliteChannelState.open(path) as server, SqliteChannelState.open(path) as command:
        await server.put("a", "pairing", "k", b"code")
        assert await command.take("a", "pairing", "k") == b"code"
        await command.put("a", "person", "k", b"Ada")
        assert await server.get("a", "person", "k") == b"Ada"
        assert await server.get("a", "pairing", "k") is None


async def test_the_file_is_private_and_keeps_its_values(tmp_path: Path) -> None:
    path = tmp_path / "channels.db"
    async with SqliteChannelState.open(path) as state:
        await state.put("a", "own", "cursor", b"7")
    assert path.stat().st_mode & 0o777 == 0o600
    async with SqliteChannelState.open(path) as state:
        assert await state.get("a", "own", "cursor") == b"7"


async def test_a_file_that_is_not_a_database_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "channels.db"
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(ConfigurationError, match=r"channels\.db"):
        async with SqliteChannelState.open(path):
            pass
