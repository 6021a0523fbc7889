"""What two servers share that have only their PostgreSQL database in common."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from thinkaloud.app.access import open_access
from thinkaloud.app.chat_platforms import open_channel_state
from thinkaloud.app.runtime import Choices
from thinkaloud.app.storage import open_protocol_records, with_storage
from thinkaloud.auth.audit import TERMINAL
from thinkaloud.auth.key_fields import KeyFields
from thinkaloud.config import Configuration, load
from thinkaloud.ports.protocols.records import ProtocolRecord
from thinkaloud.ports.uploads import Uploads

Configured = Callable[[str, str], Configuration]


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    """Return the configuration of a server with a data directory of its own."""

    def of(name: str, url: str) -> Configuration:
        environment = {
            "THINKALOUD_DATA_DIR": str(tmp_path / name),
            "THINKALOUD_STORE__KIND": "postgres",
            "THINKALOUD_DATABASE_URL": url,
        }
        return load(environment=environment)

    return of


async def test_a_file_uploaded_to_one_server_is_read_and_deleted_through_another(
    configured: Configured, postgres_server: PostgresServer
) -> None:
    async with postgres_server.database() as url, AsyncExitStack() as stack:
        stores: list[Uploads] = []
        for name in ("one", "two"):
            choices = await stack.enter_async_context(
                with_storage(configured(name, url), Choices())
            )
            assert choices.uploads is not None
            stores.append(choices.uploads)
        one, two = stores
        kept = await one.keep("ana", "a.txt", "text/plain", b"text")
        assert await two.get("ana", kept.id) == (kept, b"text")
        assert await two.delete("ana", kept.id)
        assert await one.get("ana", kept.id) is None


async def test_a_key_created_in_one_place_is_known_in_another_with_the_audit_log(
    configured: Configured, postgres_server: PostgresServer
) -> None:
    async with (
        postgres_server.database() as url,
        open_access(configured("one", url)) as one,
        open_access(configured("two", url)) as two,
    ):
        await one.administration.create(KeyFields(name="laptop", owner="ana"), TERMINAL)
        assert [key.name for key in await two.administration.keys()] == ["laptop"]
        assert [entry.act for entry in await two.store.audit(limit=9)] == ["key.created"]


async def test_what_channels_and_protocols_remember_is_known_to_all_servers(
    configured: Configured, postgres_server: PostgresServer
) -> None:
    async with postgres_server.database() as url:
        one, two = configured("one", url), configured("two", url)
        async with open_channel_state(one) as here, open_channel_state(two) as there:
            await here.put("telegram", "person", "7", b"Ana")
            assert await there.get("telegram", "person", "7") == b"Ana"
        async with (
            open_protocol_records(one, persistent=True) as first,
            open_protocol_records(two, persistent=True) as second,
        ):
            assert first.shared
            assert await first.secret("signing") == await second.secret("signing")
            await first.save(ProtocolRecord("ana", "turn", "r", 5, b"value"))
            assert [each.value for each in await second.newer("turn")] == [b"value"]
