"""The seam to the files that a request names: uploads, or files under the workspace."""

from typing import Protocol

from thinkaloud.events.event import Attachment


class Attachments(Protocol):
    """Reads a file for an owner."""

    async def text(self, owner: str, name: str) -> Attachment:
        """Return a text file for the prompt.

        Raises `InvalidRequest` (field `context_files`) where there is none of that name for
        this owner, without saying whether it exists elsewhere, and where it is no text or too
        large.
        """
        ...

    async def image(self, owner: str, name: str) -> Attachment:
        """Return a picture for the prompt. Raises `InvalidRequest` (field `image_path`)."""
        ...
