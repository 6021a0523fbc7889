"""The seam to the files that users bring along."""

from collections.abc import Collection, Sequence
from typing import Final, Protocol

import msgspec

UPLOAD_ID: Final = r"upl_[0-9a-f]{32}\Z"
"""What an upload's id looks like: 128 random bits, so that nobody guesses one."""


class Upload(msgspec.Struct, frozen=True):
    """A file that was brought, without its bytes."""

    id: str
    owner: str
    name: str
    """What it was called where it came from: a label for people, never a path."""
    media_type: str
    bytes: int
    created_at_ms: int
    """By the clock's unix milliseconds."""
    conversations: tuple[str, ...] = ()
    """Those in which it was used."""


class UploadQuota(msgspec.Struct, frozen=True):
    """What the uploads of one owner may take."""

    files: int = 200
    bytes: int = 512 * 2**20


UploadCursor = tuple[int, str]
"""A place in a list of uploads: the `created_at_ms` and the id of the last one seen."""


class Uploads(Protocol):
    """Keeps files for their owners. Every look-up is by owner and id together.

    What cannot be written or read raises `StoreError`.
    """

    async def keep(self, owner: str, name: str, media_type: str, data: bytes) -> Upload:
        """Keep a file under a new id; the oldest of the owner's make room for it."""
        ...

    async def get(self, owner: str, upload_id: str) -> tuple[Upload, bytes] | None:
        """Return a file; None where this owner has none of that id, whatever the text of the id."""
        ...

    async def page(
        self, owner: str, *, before: UploadCursor | None, limit: int
    ) -> Sequence[Upload]:
        """List this owner's uploads, the newest first, those after `before`."""
        ...

    async def delete(self, owner: str, upload_id: str) -> bool:
        """Delete a file, and say whether this owner had it."""
        ...

    async def use(self, owner: str, upload_ids: Collection[str], conversation_id: str) -> None:
        """Note that a conversation uses these; what this owner does not have is left out."""
        ...

    async def release(self, owner: str, conversation_id: str) -> None:
        """Forget that a conversation used uploads, and delete those that no other one uses."""
        ...

    async def used(self) -> Collection[tuple[str, str]]:
        """Return the owner and the id of every conversation that uses uploads."""
        ...
