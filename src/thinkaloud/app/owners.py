"""Manages owners in everything that a data directory holds. No server may use it, except to list them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from thinkaloud.app.access import open_access
from thinkaloud.app.chat_platforms import channel_state_path, open_channel_state
from thinkaloud.app.storage import (
    database_path,
    open_database,
    open_protocol_records,
    persistent_uploads,
    protocol_records_path,
)
from thinkaloud.auth.access import Access
from thinkaloud.auth.audit import TERMINAL
from thinkaloud.auth.names import is_owner_name
from thinkaloud.channels.platform.engine import owners as channel_owners
from thinkaloud.config import Configuration
from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.protocols.records import ProtocolRecords
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.stores.sqlite.owners import OwnedConversations, read_owners
from thinkaloud.stores.uploads import FileUploads


class OwnerSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner has in a data directory."""

    owner: str
    conversations: int = 0
    updated_at_ms: int | None = None
    """When a conversation last changed, in Unix milliseconds; None without conversations."""
    uploads: int = 0
    upload_bytes: int = 0
    keys: int = 0
    """Keys that are neither revoked nor expired."""
    people: int = 0
    """People of chat channels who are paired with this owner."""


class Owners:
    """The owners of a data directory. Raises `StoreError`."""

    def __init__(
        self,
        store: SqliteStore,
        uploads: FileUploads,
        access: Access,
        channels: ChannelState | None,
        records: ProtocolRecords | None,
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._access = access
        self._channels = channels
        self._records = records

    async def summaries(self) -> Sequence[OwnerSummary]:
        """Return every owner of anything, by name."""
        stored = await self._store.owners()
        return await _summaries(stored, self._uploads, self._access, self._channels)

    async def find(self, owner: str) -> OwnerSummary:
        """Return what an owner has. Raises `NotFound` if that is nothing."""
        for each in await self.summaries():
            if each.owner == owner:
                return each
        raise NotFound(f"{owner!r} owns nothing. To see all owners: thinkaloud owners list")

    async def rename(self, owner: str, new: str) -> OwnerSummary:
        """Give `new` everything that an owner has, also if `new` has something already.

        Returns what it was. Raises `InvalidRequest`, `NotFound`, and `Conflict` if both have a
        conversation with the same id; then nothing has changed. The conversations change last and
        all at once: after a failure, the same call moves what is left.
        """
        if not is_owner_name(new) or new == owner:
            raise InvalidRequest(
                "The new name must be another one, of 1 to 128 printable ASCII characters.",
                field="owner",
            )
        had = await self.find(owner)
        await self._store.check_rename(owner, new)
        await self._uploads.rename_owner(owner, new)
        if self._channels is not None:
            await channel_owners.rename_owner(self._channels, owner, new)
        if self._records is not None:
            await self._records.rename_owner(owner, new)
        await self._access.administration.rename_owner(owner, new, TERMINAL)
        await self._store.rename_owner(owner, new)
        return had

    async def delete(self, owner: str) -> OwnerSummary:
        """Delete everything that an owner has, and revoke its keys. Returns what it was.

        Keys are revoked first, the conversations deleted last and all at once: after a failure, the
        same call deletes what is left. Raises `NotFound`.
        """
        had = await self.find(owner)
        await self._access.administration.delete_owner(owner, TERMINAL)
        if self._channels is not None:
            await channel_owners.delete_owner(self._channels, owner)
        await self._uploads.delete_owner(owner)
        if self._records is not None:
            await self._records.delete_owner(owner)
        await self._store.delete_owner(owner)
        await self._store.scrub()
        return had


async def list_owners(configuration: Configuration) -> Sequence[OwnerSummary]:
    """Return every owner of anything in the data directory, by name, also while a server uses it.

    Raises `ConfigurationError` and `StoreError`.
    """
    path = database_path(configuration)
    timeout = configuration.settings.store.busy_timeout_seconds
    async with AsyncExitStack() as stack:
        access = await stack.enter_async_context(open_access(configuration))
        channels = None
        if channel_state_path(configuration).exists():
            channels = await stack.enter_async_context(open_channel_state(configuration))
        stored: Sequence[OwnedConversations] = ()
        if path.exists():
            stored = await asyncio.to_thread(read_owners, path, timeout)
        return await _summaries(stored, persistent_uploads(configuration), access, channels)


async def _summaries(
    conversations: Sequence[OwnedConversations],
    uploads: FileUploads,
    access: Access,
    channels: ChannelState | None,
) -> Sequence[OwnerSummary]:
    stored = {each.owner: each for each in conversations}
    totals = await uploads.totals()
    now = SystemClock().unix_ms()
    keys = [each.owner for each in await access.administration.keys() if each.is_live(now)]
    people: Mapping[str, int] = {}
    if channels is not None:
        people = await channel_owners.paired_people(channels)
    found: list[OwnerSummary] = []
    for owner in sorted({*stored, *totals, *keys, *people}):
        own = stored.get(owner)
        files, size = totals.get(owner, (0, 0))
        found.append(
            OwnerSummary(
                owner=owner,
                conversations=0 if own is None else own.conversations,
                updated_at_ms=None if own is None else own.updated_at_ms,
                uploads=files,
                upload_bytes=size,
                keys=keys.count(owner),
                people=people.get(owner, 0),
            )
        )
    return found


@asynccontextmanager
async def open_owners(configuration: Configuration) -> AsyncGenerator[Owners]:
    """Open the data directory until the block is left.

    Raises `ConfigurationError` if it cannot be used, or a server is using it.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_database(configuration))
        access = await stack.enter_async_context(open_access(configuration))
        channels = None
        if channel_state_path(configuration).exists():
            channels = await stack.enter_async_context(open_channel_state(configuration))
        records = None
        if protocol_records_path(configuration).exists():
            records = await stack.enter_async_context(
                open_protocol_records(configuration, persistent=True)
            )
        yield Owners(store, persistent_uploads(configuration), access, channels, records)
