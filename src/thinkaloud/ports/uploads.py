"""The seam to the files that users bring along."""

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


class Uploads(Protocol):
    """Keeps files for their owners. Every look-up is by owner and id together."""

    async def keep(self, owner: str, name: str, media_type: str, data: bytes) -> Upload:
        """Keep a file under a new id; the oldest of the owner's goes where there are too many.

        Raises `StoreError` where it cannot be written.
        """
        ...

    async def get(self, owner: str, upload_id: str) -> tuple[Upload, bytes] | None:
        """Return a file; None where this owner has none of that id, whatever the text of the id.

        Raises `StoreError` where it cannot be read.
        """
        ...

    async def delete(self, owner: str, upload_id: str) -> bool:
        """Delete a file, and say whether this owner had it. Raises `StoreError`."""
        ...
