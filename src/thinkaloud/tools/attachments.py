"""Resolves the files that a request names: the owner's uploads and workspace files."""

import asyncio
import base64
from typing import Final

from thinkaloud.core.conversations.filenames import label
from thinkaloud.errors import InvalidRequest, NotFound, ThinkaloudError
from thinkaloud.events.event import Attachment
from thinkaloud.ports.attachments import FileField
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


class NamedFiles:
    """Reads the files that a request names: an upload of the owner by id, else a workspace file.

    All owners share the workspace; without one, only uploads are available. Pictures must be PNG,
    JPEG, GIF or WebP, at most 8 MiB; texts must be UTF-8, at most 512 KiB.
    """

    def __init__(self, uploads: Uploads, workspace: Workspace | None) -> None:
        self._uploads = uploads
        self._workspace = workspace

    async def read(self, owner: str, name: str, field: FileField) -> Attachment:
        """Return a text or a picture. Raises `InvalidRequest`."""
        called, data = await self._read_named(owner, name, field)
        media_type = image_type(data)
        limit = MAX_TEXT_BYTES if media_type is None else MAX_IMAGE_BYTES
        if len(data) > limit:
            message = f"{called!r} is larger than the {limit} bytes allowed here."
            raise InvalidRequest(message, field=field)
        if media_type is not None:
            content = base64.b64encode(data).decode()
            return Attachment(called, media_type, base64=content, id=name, bytes=len(data))
        try:
            text = data.decode()
        except UnicodeDecodeError:
            message = f"{called!r} is neither UTF-8 text nor a PNG, JPEG, GIF or WebP image."
            raise InvalidRequest(message, field=field) from None
        return Attachment(called, "text/plain", text=text, id=name, bytes=len(data))

    async def _read_named(self, owner: str, name: str, field: FileField) -> tuple[str, bytes]:
        """Return the display name and the content of a file."""
        kept = await self._uploads.get(owner, name)
        if kept is None:
            return label(name), await self._from_workspace(name, field)
        upload, data = kept
        return upload.name, data

    async def _from_workspace(self, name: str, field: FileField) -> bytes:
        absent = InvalidRequest(f"There is no file {name!r} that can be read here.", field=field)
        if self._workspace is None:
            raise absent
        try:
            return await asyncio.to_thread(self._workspace.read_bytes, name, MAX_IMAGE_BYTES)
        except NotFound:
            raise absent from None
        except ThinkaloudError as error:
            raise InvalidRequest(error.message, field=field) from error


def image_type(data: bytes) -> str | None:
    """Return a picture's media type, detected from its first bytes; None if not supported."""
    for signature, media_type in _SIGNATURES:
        if data.startswith(signature):
            return media_type
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
