"""The seam to the files that a request names: uploads, or files under the workspace."""

from typing import Literal, Protocol

from thinkaloud.events.event import Attachment

FileField = Literal["context_files", "image_path"]
"""The member of a request that names a file."""


class Attachments(Protocol):
    """Reads a file for an owner."""

    async def read(self, owner: str, name: str, field: FileField) -> Attachment:
        """Return a text or a picture for the prompt; which of them it is, its content says.

        Raises `InvalidRequest` (for `field`) where there is none of that name for this owner,
        without saying whether it exists elsewhere, and where it is neither or too large.
        """
        ...
