"""An owner is renamed or deleted with everything that a data directory holds."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests.stores.samples import begin, conversation, keep_text, log_of, run, stored, whole_run
from thinkaloud.app.access import open_access
from thinkaloud.app.chat_platforms import open_channel_state
from thinkaloud.app.owners import OwnerSummary, open_owners
from thinkaloud.app.storage import open_database, open_protocol_records, persistent_uploads
from thinkaloud.auth.audit import TERMINAL
from thinkaloud.auth.key_fields import KeyFields
from thinkaloud.channels.platform.engine import owners as channel_owners
from thinkaloud.channels.platform.engine.chats import Chats
from thinkaloud.channels.platform.engine.delivery import Delivery, DeliveryRecord
from thinkaloud.channels.platform.engine.runs import RunOrder
from thinkaloud.channels.platform.message import ChatAddress, Origin, Sender
from thinkaloud.channels.platform.pairing import Pairings
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.config import Configuration, Settings
from thinkaloud.errors import Conflict, InvalidRequest, NotFound
from thinkaloud.events.event import RunStarted, UserInput
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.protocols.records import ProtocolRecord
from thinkaloud.ports.selections import Selection
from thinkaloud.stores.channel_state import MemoryChannelState
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.stores.sqlite.schema import MIGRATIONS, migrate
from thinkaloud.stores.sqlite.sql.log import rows_of

CHAT = ChatAddress("telegram", "7")
TEAM = PlatformSettings(owner="team")
"""A channel whose own owner is another one than that of the person at the address."""


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return Configuration(Settings(), None, tmp_path / "data", {})


def write_earlier_version(path: Path, image: str) -> None:
    """A database from before conversation ids were names within an owner."""
    path.parent.mkdir()
    events = [*whole_run(), stored(RunStarted("lab/one", 25, UserInput(image)), 8, run_id="open")]
    rows = [row[:4] for row in rows_of(events)]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, path, MIGRATIONS[:5])
        connection.execute("INSERT INTO conversations VALUES ('talk', 'local', 1, 2, 'Sky', 9)")
        connection.executemany(
            "INSERT INTO runs (run_id, conversation_id, owner, first_seq, idempotency_key, ended,"
            " compacted) VALUES (?, 'talk', 'local', ?, ?, ?, ?)",
            [("run", 1, "again", 1, 1), ("open", 8, None, 0, 0)],
        )
        connection.executemany(
            "INSERT INTO events (conversation_id, seq, first_seq, run_id, event)"
            " VALUES ('talk', ?, ?, ?, ?)",
            rows,
        )
        connection.execute("INSERT INTO texts VALUES (1, 'talk', 'run'), (2, 'talk', '')")
        connection.execute("INSERT INTO words (rowid, text) VALUES (1, 'rayleigh'), (2, 'sky')")


async def pair(configuration: Configuration, owner: str) -> None:
    """Pair a person with an owner, and leave an answer on its way to them."""
    async with open_channel_state(configuration) as state:
        pairings = Pairings(state, SystemClock())
        code = await pairings.request("telegram", Sender("7"))
        assert code is not None
        await pairings.approve(code, owner=owner)
        chats = Chats("telegram", TEAM, state)
        name = await chats.conversation(CHAT, owner)
        order = RunOrder(owner, name, "Hi", "channel:1")
        record = DeliveryRecord(CHAT, Origin(Sender("7"), "1"), order, 1_000)
        assert await Delivery("telegram", record, state).accept()


async def issue_key(configuration: Configuration, name: str, owner: str) -> str:
    async with open_access(configuration) as access:
        issued = await access.administration.create(KeyFields(name=name, owner=owner), TERMINAL)
        return issued.key.key_id


async def test_what_other_protocols_keep_is_renamed_and_deleted_with_its_owner(
    configuration: Configuration,
) -> None:
    async with open_database(configuration) as store:
        await begin(store, owner="ana")
    async with open_protocol_records(configuration, persistent=True) as records:
        await records.save(ProtocolRecord("ana", "turn", "a", 1, b"thought"))
    async with open_owners(configuration) as owners:
        await owners.rename("ana", "bob")
    async with open_protocol_records(configuration, persistent=True) as records:
        assert [each.owner for each in await records.newer("turn")] == ["bob"]
    async with open_owners(configuration) as owners:
        await owners.delete("bob")
    async with open_protocol_records(configuration, persistent=True) as records:
        assert await records.newer("turn") == []


async def test_all_data_of_an_earlier_version_is_transferred(
    configuration: Configuration,
) -> None:
    uploads = persistent_uploads(configuration)
    write_earlier_version(configuration.data_dir / "thinkaloud.db", "What is this?")
    upload = await uploads.keep("local", "sky.png", "image/png", b"pixels")
    await uploads.use("local", [upload.id], "talk")
    key_id = await issue_key(configuration, "phone", "local")
    await pair(configuration, "local")

    async with open_owners(configuration) as owners:
        await owners.rename("local", "ana")
        (left,) = await owners.summaries()
    assert left == OwnerSummary(
        owner="ana",
        conversations=1,
        updated_at_ms=2,
        uploads=1,
        upload_bytes=6,
        keys=1,
        people=1,
    )
    async with open_database(configuration) as store:
        assert (await log_of(store, owner="ana"))[:7] == whole_run()
        assert await log_of(store, owner="local") == []
        for search in ("sky", "rayleigh"):
            (found,) = await store.conversations("ana", before=None, limit=9, search=search)
            assert found.conversation_id == "talk"
        again = await store.run_for_key("ana", "again")
        assert again is not None
        assert (again.run_id, again.owner) == ("run", "ana")
        assert await store.run_for_key("local", "again") is None
        assert [(each.run.run_id, each.run.owner) for each in await store.unfinished_runs()] == [
            ("open", "ana")
        ]
    uploads = persistent_uploads(configuration)
    kept = await uploads.get("ana", upload.id)
    assert kept is not None
    assert (kept[0].conversations, kept[1]) == (("talk",), b"pixels")
    assert await uploads.get("local", upload.id) is None
    async with open_access(configuration) as access:
        (key,) = await access.administration.keys()
        assert (key.key_id, key.owner) == (key_id, "ana")
        entry = (await access.store.audit(limit=1))[0]
        assert (entry.act, entry.by, entry.detail) == ("owner.renamed", "terminal", "local to ana")
    async with open_channel_state(configuration) as state:
        person = await Pairings(state, SystemClock()).person("telegram", "7")
        assert person is not None
        assert person.owner == "ana"
        (delivery,) = await state.entries("delivery")
        assert msgspec.json.decode(delivery.value, type=DeliveryRecord).order.owner == "ana"


async def test_a_renamed_owner_is_merged_with_an_existing_one(
    configuration: Configuration,
) -> None:
    async with open_database(configuration) as store:
        await begin(store, owner="local")
        await begin(store, "other", owner="ana")
    async with open_owners(configuration) as owners:
        await owners.rename("local", "ana")
        (joined,) = await owners.summaries()
    assert (joined.owner, joined.conversations) == ("ana", 2)


async def test_two_conversations_of_one_id_stop_a_rename_before_anything_changes(
    configuration: Configuration,
) -> None:
    uploads = persistent_uploads(configuration)
    async with open_database(configuration) as store:
        await begin(store, "mine", owner="local")
        await store.create_conversation(conversation(owner="local"))
        await store.create_conversation(conversation(owner="ana", title="Ana's"))
    upload = await uploads.keep("local", "a", "text/plain", b"x")
    async with open_owners(configuration) as owners:
        before = await owners.summaries()
        with pytest.raises(Conflict, match=r"ana already has .*: talk\."):
            await owners.rename("local", "ana")
        assert await owners.summaries() == before
    assert await persistent_uploads(configuration).get("local", upload.id) is not None


async def test_the_database_rejects_a_rename_that_would_collide(tmp_path: Path) -> None:
    async with SqliteStore.open(tmp_path / "thinkaloud.db") as store:
        for name in ("a", "b", "c", "d", "talk"):
            await store.create_conversation(conversation(name, owner="local"))
        for name in ("a", "b", "c", "d"):
            await store.create_conversation(conversation(name, owner="ana"))
        with pytest.raises(Conflict, match="a, b, c and 1 more"):
            await store.rename_owner("local", "ana")
        assert await store.conversation("local", "talk") is not None


async def test_an_interrupted_rename_is_completed_by_the_next(
    configuration: Configuration,
) -> None:
    async with open_database(configuration) as store:
        await begin(store, owner="local")
    uploads = persistent_uploads(configuration)
    first, second = [await uploads.keep("local", n, "text/plain", b"x") for n in ("a", "b")]
    await uploads.rename_owner("local", "ana")  # The process was killed after this.
    third = await uploads.keep("local", "c", "text/plain", b"x")
    async with open_owners(configuration) as owners:
        await owners.rename("local", "ana")
        assert [each.owner for each in await owners.summaries()] == ["ana"]
    for upload in (first, second, third):
        assert await persistent_uploads(configuration).get("ana", upload.id) is not None


async def test_deleting_an_owner_deletes_all_its_data_and_nothing_of_others(
    configuration: Configuration,
) -> None:
    uploads = persistent_uploads(configuration)
    async with open_database(configuration) as store:
        await keep_text(store, "secret", "xylophone")  # of ann
        await store.create_conversation(conversation("secret", owner="bob"))
        record = run("bobs", "secret", owner="bob")
        await store.compact(record, [], "")
    gone = await uploads.keep("ann", "a", "text/plain", b"x")
    kept = await uploads.keep("bob", "b", "text/plain", b"y")
    await issue_key(configuration, "phone", "ann")
    await issue_key(configuration, "desk", "bob")
    await pair(configuration, "ann")
    async with open_owners(configuration) as owners:
        assert (await owners.delete("ann")).conversations == 1
        (left,) = await owners.summaries()
        with pytest.raises(NotFound, match="'ann' owns nothing"):
            await owners.delete("ann")
    assert (left.owner, left.conversations, left.uploads, left.keys) == ("bob", 1, 1, 1)
    data = (configuration.data_dir / "thinkaloud.db").read_bytes()
    assert b"xylophone" not in data
    uploads = persistent_uploads(configuration)
    assert await uploads.get("ann", gone.id) is None
    assert await uploads.get("bob", kept.id) is not None
    async with open_access(configuration) as access:
        states = {k.owner: k.revoked_at_ms is None for k in await access.administration.keys()}
        assert states == {"ann": False, "bob": True}
    async with open_channel_state(configuration) as state:
        for kind in ("person", "conversation", "delivery"):
            assert await state.entries(kind) == []


@pytest.mark.parametrize("new", ["", "local", " ana", "a\nb", "é", "x" * 129])
async def test_a_name_that_cannot_be_an_owners_is_refused(
    configuration: Configuration, new: str
) -> None:
    async with open_database(configuration) as store:
        await begin(store, owner="local")
    async with open_owners(configuration) as owners:
        with pytest.raises(InvalidRequest, match="new name"):
            await owners.rename("local", new)


async def test_a_chat_continues_its_conversation_under_the_new_name_of_its_owner() -> None:
    state = MemoryChannelState()
    chats = Chats("telegram", TEAM, state)
    first = await chats.conversation(CHAT, "bob")
    await channel_owners.rename_owner(state, "bob", "ana")
    assert await chats.conversation(CHAT, "ana") == first


async def test_where_both_owners_have_a_chat_the_new_one_continues_its_own() -> None:
    state = MemoryChannelState()
    chats = Chats("telegram", TEAM, state)
    bobs = await chats.conversation(CHAT, "bob")
    anas = await chats.conversation(CHAT, "ana")
    await channel_owners.rename_owner(state, "bob", "ana")
    assert await chats.conversation(CHAT, "ana") == anas
    assert await chats.owns(CHAT, "ana", bobs)


async def test_a_renamed_owner_keeps_its_spent_budget_and_selection_and_a_deleted_one_leaves_none(
    configuration: Configuration,
) -> None:
    await issue_key(configuration, "phone", "bob")
    of_bob = {"owner:bob": 9, "role:user:bob": 8, "role:admin:bob": 7}
    async with open_access(configuration) as access:
        await access.store.usage.add(1, {**of_bob, "owner:ana": 1, "key:one": 5})
        await access.store.selections.save("bob", Selection("lab/one", "low"), keep=9)
    async with open_owners(configuration) as owners:
        await owners.rename("bob", "ana")
    async with open_access(configuration) as access:
        of_ana = {"owner:ana": 10, "role:user:ana": 8, "role:admin:ana": 7}
        assert await access.store.usage.tokens(1) == {**of_ana, "key:one": 5}
        assert await access.store.selections.all() == {"ana": Selection("lab/one", "low")}
    async with open_owners(configuration) as owners:
        await owners.delete("ana")
    async with open_access(configuration) as access:
        assert await access.store.usage.tokens(1) == {"key:one": 5}
        assert await access.store.selections.all() == {}
