"""The port for files named in a request: uploads, or files in the workspace."""

from typing import Literal, Protocol

from thinkaloud.events.event import Attachment

FileField = Literal["context_files", "image_path"]
"""The request field that names a file."""


class Attachments(Protocol):
    """Reads files for an owner."""

    async def read(self, owner: str, name: str, field: FileField) -> Attachment:
        """Return a text or an image for the prompt, detected from the file's content.

        Raises `InvalidRequest` (for `field`) if this owner has no such file, without revealing
        whether another owner does, or if the file is neither text nor image, or too large.
        """
        ...
