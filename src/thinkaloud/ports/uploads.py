"""The port for uploaded files."""

from collections.abc import Collection, Sequence
from typing import Final, Protocol

import msgspec

UPLOAD_ID: Final = r"upl_[0-9a-f]{32}\Z"
"""The format of an upload id: 128 random bits, so that it cannot be guessed."""


class Upload(msgspec.Struct, frozen=True):
    """The metadata of an uploaded file."""

    id: str
    owner: str
    name: str
    """The original file name: for display only, never a path."""
    media_type: str
    bytes: int
    created_at_ms: int
    """Unix milliseconds."""
    conversations: tuple[str, ...] = ()
    """The conversations that use it."""


class UploadQuota(msgspec.Struct, frozen=True):
    """Limits on the uploads of one owner."""

    files: int = 200
    bytes: int = 512 * 2**20


UploadCursor = tuple[int, str]
"""A position in a list of uploads: `created_at_ms` and id of the last one seen."""


class Uploads(Protocol):
    """Stores files for their owners. Every lookup is by owner and id.

    Raises `StoreError` if a file cannot be written or read.
    """

    async def keep(self, owner: str, name: str, media_type: str, data: bytes) -> Upload:
        """Store a file under a new id, deleting the owner's oldest uploads to make room."""
        ...

    async def get(self, owner: str, upload_id: str) -> tuple[Upload, bytes] | None:
        """Return a file; None if this owner has no such upload. The id may be any text."""
        ...

    async def page(
        self, owner: str, *, before: UploadCursor | None, limit: int
    ) -> Sequence[Upload]:
        """List this owner's uploads after `before`, newest first."""
        ...

    async def delete(self, owner: str, upload_id: str) -> bool:
        """Delete a file. Returns whether this owner had it."""
        ...

    async def use(self, owner: str, upload_ids: Collection[str], conversation_id: str) -> None:
        """Record that a conversation uses these uploads. Ignores ids this owner doesn't have."""
        ...

    async def release(self, owner: str, conversation_id: str) -> None:
        """Remove a conversation's uses of uploads, and delete uploads that no other one uses."""
        ...

    async def used(self) -> Collection[tuple[str, str]]:
        """Return the owner and id of every conversation that uses uploads."""
        ...
