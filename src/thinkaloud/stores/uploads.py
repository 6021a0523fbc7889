"""Upload stores: in files or in memory."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from thinkaloud.ports.clock import Clock
from thinkaloud.ports.uploads import Upload, UploadCursor, UploadQuota
from thinkaloud.stores.upload_folder import UploadFolder
from thinkaloud.stores.upload_rules import (
    described,
    newest,
    released,
    too_many,
    used_by,
    users,
    uses,
)


class MemoryUploads:
    """Uploads in memory, lost when the process ends."""

    def __init__(self, clock: Clock, room: UploadQuota | None = None) -> None:
        """Create the store; `room` is the quota of each owner."""
        self._clock = clock
        self._room = room or UploadQuota()
        self._kept: dict[str, tuple[Upload, bytes]] = {}

    async def keep(self, owner: str, name: str, media_type: str, data: bytes) -> Upload:
        """Store a file. Deletes the owner's oldest files over the quota."""
        upload = described(owner, name, media_type, data, self._clock)
        self._kept[upload.id] = (upload, data)
        for old in too_many(upload, self._uploads(), self._room):
            del self._kept[old.id]
        return upload

    async def get(self, owner: str, upload_id: str) -> tuple[Upload, bytes] | None:
        """Return a file of this owner."""
        found = self._kept.get(upload_id)
        return found if found is not None and found[0].owner == owner else None

    async def page(
        self, owner: str, *, before: UploadCursor | None, limit: int
    ) -> Sequence[Upload]:
        """List this owner's uploads, newest first."""
        return newest(owner, self._uploads(), before)[:limit]

    async def delete(self, owner: str, upload_id: str) -> bool:
        """Delete a file of this owner."""
        if await self.get(owner, upload_id) is None:
            return False
        del self._kept[upload_id]
        return True

    async def use(self, owner: str, upload_ids: Collection[str], conversation_id: str) -> None:
        """Record that a conversation uses these uploads."""
        for upload_id in upload_ids:
            found = await self.get(owner, upload_id)
            if found is not None:
                self._kept[upload_id] = (used_by(found[0], conversation_id), found[1])

    async def release(self, owner: str, conversation_id: str) -> None:
        """Remove a conversation from its uploads, and delete uploads that no other one uses."""
        for upload in [each for each in self._uploads() if uses(each, owner, conversation_id)]:
            left = released(upload, conversation_id)
            if left.conversations:
                self._kept[upload.id] = (left, self._kept[upload.id][1])
            else:
                del self._kept[upload.id]

    async def used(self) -> Collection[tuple[str, str]]:
        """Return the owner and id of every conversation that uses uploads."""
        return users(self._uploads())

    def _uploads(self) -> Iterable[Upload]:
        return (each for each, _ in self._kept.values())


class FileUploads:
    """Uploads in a folder (`UploadFolder`). Only one instance may use a folder at a time."""

    def __init__(self, folder: Path, clock: Clock, room: UploadQuota | None = None) -> None:
        """Use this folder; `room` is the quota of each owner."""
        self._folder = UploadFolder(folder, room or UploadQuota())
        self._clock = clock

    async def keep(self, owner: str, name: str, media_type: str, data: bytes) -> Upload:
        """Store a file. Deletes the owner's oldest files over the quota. Raises `StoreError`."""
        upload = described(owner, name, media_type, data, self._clock)
        await asyncio.to_thread(self._folder.keep, upload, data)
        return upload

    async def get(self, owner: str, upload_id: str) -> tuple[Upload, bytes] | None:
        """Return a file of this owner. Raises `StoreError`."""
        return await asyncio.to_thread(self._folder.get, owner, upload_id)

    async def page(
        self, owner: str, *, before: UploadCursor | None, limit: int
    ) -> Sequence[Upload]:
        """List this owner's uploads, newest first. Raises `StoreError`."""
        return newest(owner, await asyncio.to_thread(self._folder.uploads), before)[:limit]

    async def delete(self, owner: str, upload_id: str) -> bool:
        """Delete a file of this owner. Raises `StoreError`."""
        return await asyncio.to_thread(self._folder.delete, owner, upload_id)

    async def use(self, owner: str, upload_ids: Collection[str], conversation_id: str) -> None:
        """Record that a conversation uses these uploads. Raises `StoreError`."""
        if upload_ids:
            await asyncio.to_thread(self._folder.use, owner, upload_ids, conversation_id)

    async def release(self, owner: str, conversation_id: str) -> None:
        """Remove a conversation from its uploads, and delete uploads that no other one uses."""
        await asyncio.to_thread(self._folder.release, owner, conversation_id)

    async def used(self) -> Collection[tuple[str, str]]:
        """Return the owner and id of every conversation that uses uploads. Raises `StoreError`."""
        return users(await asyncio.to_thread(self._folder.uploads))

    async def totals(self) -> Mapping[str, tuple[int, int]]:
        """Return the number of uploads and of their bytes, by owner. Raises `StoreError`."""
        totals: dict[str, tuple[int, int]] = {}
        for upload in await asyncio.to_thread(self._folder.uploads):
            files, size = totals.get(upload.owner, (0, 0))
            totals[upload.owner] = (files + 1, size + upload.bytes)
        return totals

    async def rename_owner(self, owner: str, new: str) -> int:
        """Give an owner's uploads to `new`, and return their number. Raises `StoreError`.

        If it fails, some have moved; repeating it moves the others.
        """
        return await asyncio.to_thread(self._folder.rename_owner, owner, new)

    async def delete_owner(self, owner: str) -> int:
        """Delete an owner's uploads, and return their number. Raises `StoreError`."""
        return await asyncio.to_thread(self._folder.delete_owner, owner)
