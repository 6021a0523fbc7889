"""The files that a request names, read from the workspace."""

import asyncio
import base64
from typing import Final, Literal

from thinkaloud.errors import InvalidRequest, NotFound, ThinkaloudError
from thinkaloud.events.event import Attachment
from thinkaloud.tools.workspace import Workspace

MAX_TEXT_BYTES: Final = 512 * 1024
MAX_IMAGE_BYTES: Final = 8 * 2**20
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)

Field = Literal["context_files", "image_path"]


class WorkspaceAttachments:
    """Reads what a request names from the workspace, the same for every owner; nothing without one."""

    def __init__(self, workspace: Workspace | None) -> None:
        self._workspace = workspace

    async def text(self, owner: str, name: str) -> Attachment:
        """Return a UTF-8 text file of at most 512 kB. Raises `InvalidRequest`."""
        data = await self._read(name, "context_files", MAX_TEXT_BYTES)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise InvalidRequest(f"{name!r} is not a text file.", field="context_files") from None
        return Attachment(name, "text/plain", text=text)

    async def image(self, owner: str, name: str) -> Attachment:
        """Return a PNG, JPEG, GIF or WebP picture of at most 8 MB. Raises `InvalidRequest`."""
        data = await self._read(name, "image_path", MAX_IMAGE_BYTES)
        media_type = image_type(data)
        if media_type is None:
            message = f"{name!r} is no PNG, JPEG, GIF or WebP picture."
            raise InvalidRequest(message, field="image_path")
        return Attachment(name, media_type, base64=base64.b64encode(data).decode())

    async def _read(self, name: str, field: Field, limit: int) -> bytes:
        absent = InvalidRequest(f"There is no file {name!r} to be read here.", field=field)
        if self._workspace is None:
            raise absent
        try:
            return await asyncio.to_thread(self._workspace.read_bytes, name, limit)
        except NotFound:
            raise absent from None
        except ThinkaloudError as error:
            raise InvalidRequest(error.message, field=field) from error


def image_type(data: bytes) -> str | None:
    """Tell a picture's media type from its first bytes; None where it is none of the four."""
    for signature, media_type in _SIGNATURES:
        if data.startswith(signature):
            return media_type
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
