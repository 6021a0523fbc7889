"""Stores the files that a client sends inline, as uploads of its owner."""

import base64
import binascii
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from thinkaloud.core.conversations.filenames import file_label
from thinkaloud.errors import InvalidRequest
from thinkaloud.ports.uploads import UPLOAD_ID
from thinkaloud.server.api.uploads import accepted_type
from thinkaloud.server.services import ServerServices

_DATA_URL: Final = re.compile(r"data:[^,]{0,200}?(;base64)?,", re.IGNORECASE)
_UPLOAD: Final = re.compile(rf"(?:.*/)?({UPLOAD_ID})")


async def stored_file(services: ServerServices, owner: str, url: str, name: str, field: str) -> str:
    """Return the upload id of a file: stored from a `data:` URL, or named by an upload's id or URL.

    Other URLs are never fetched. Raises `InvalidRequest` with `field`, or `Refused` if the file is
    too large or of an unsupported type.
    """
    kept = _UPLOAD.fullmatch(url) if len(url) < 1000 else None
    if kept is not None:
        return kept[1]
    found = _DATA_URL.match(url)
    if found is None:
        raise InvalidRequest("A file must be a data: URL, or the id of an upload.", field=field)
    return await stored_data(services, owner, _content(url, found, field), name)


async def stored_base64(
    services: ServerServices, owner: str, data: str, name: str, field: str
) -> str:
    """Store base64 data as an upload, and return its id. Raises like `stored_file`."""
    return await stored_data(services, owner, _decoded(data, field), name)


async def stored_data(services: ServerServices, owner: str, data: bytes, name: str) -> str:
    """Store a file as an upload, and return its id. Raises `InvalidRequest` or `Refused`."""
    media_type = accepted_type(data, services.settings.max_upload_bytes)
    upload = await services.uploads.keep(owner, file_label(name), media_type, data)
    return upload.id


def _content(url: str, found: re.Match[str], field: str) -> bytes:
    data = url[found.end() :]
    return _decoded(data, field) if found[1] else unquote_to_bytes(data)


def _decoded(data: str, field: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("The file is not valid base64.", field=field) from None
