"""The files that a request names: uploads of its owner, and what the workspace has."""

import asyncio
import base64
from typing import Final, Literal

from thinkaloud.errors import InvalidRequest, NotFound, ThinkaloudError
from thinkaloud.events.event import Attachment
from thinkaloud.ports.uploads import Uploads
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


class NamedFiles:
    """Reads what a request names: an upload of the owner's by its id, else a file of the workspace.

    The workspace is the same for every owner; without one there are uploads only.
    """

    def __init__(self, uploads: Uploads, workspace: Workspace | None) -> None:
        self._uploads = uploads
        self._workspace = workspace

    async def text(self, owner: str, name: str) -> Attachment:
        """Return a UTF-8 text file of at most 512 kB. Raises `InvalidRequest`."""
        called, data = await self._read(owner, name, "context_files", MAX_TEXT_BYTES)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise InvalidRequest(f"{name!r} is not a text file.", field="context_files") from None
        return Attachment(called, "text/plain", text=text)

    async def image(self, owner: str, name: str) -> Attachment:
        """Return a PNG, JPEG, GIF or WebP picture of at most 8 MB. Raises `InvalidRequest`."""
        called, data = await self._read(owner, name, "image_path", MAX_IMAGE_BYTES)
        media_type = image_type(data)
        if media_type is None:
            message = f"{name!r} is no PNG, JPEG, GIF or WebP picture."
            raise InvalidRequest(message, field="image_path")
        return Attachment(called, media_type, base64=base64.b64encode(data).decode())

    async def _read(self, owner: str, name: str, field: Field, limit: int) -> tuple[str, bytes]:
        """Return what a file is called, and what is in it."""
        kept = await self._uploads.get(owner, name)
        if kept is None:
            return name, await self._from_workspace(name, field, limit)
        upload, data = kept
        if len(data) > limit:
            message = f"{name!r} is larger than the {limit} bytes allowed here."
            raise InvalidRequest(message, field=field)
        return upload.name, data

    async def _from_workspace(self, name: str, field: Field, limit: int) -> bytes:
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
