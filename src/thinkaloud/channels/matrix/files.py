"""Downloads and uploads files, and decrypts and encrypts those of encrypted rooms."""

import asyncio
import io
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import ClientError
from nio import (  # pyright: ignore[reportMissingTypeStubs]
    AsyncClient,
    EncryptionError,
    UploadResponse,
)
from nio.api import Api as Paths  # pyright: ignore[reportMissingTypeStubs]
from nio.crypto.attachments import decrypt_attachment  # pyright: ignore[reportMissingTypeStubs]

from thinkaloud.channels.matrix.api import translated
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import PlatformError, Rejected, Transient
from thinkaloud.channels.platform.message import Fetch

_CHUNK: Final = 65_536
_TIMEOUT: Final = 120


def download(nio: AsyncClient, url: str, encrypted: Mapping[str, Any] | None) -> Fetch:
    """Return the function that downloads a file, and decrypts it if it has keys."""

    async def fetch(most: int) -> bytes:
        content = await _content(nio, url, most)
        if encrypted is None:
            return content
        try:
            key, digest = encrypted["key"]["k"], encrypted["hashes"]["sha256"]
            return await asyncio.to_thread(
                decrypt_attachment, content, key, digest, encrypted["iv"]
            )
        except (KeyError, TypeError, ValueError, EncryptionError):
            raise Rejected("the file could not be decrypted") from None

    return fetch


async def upload(nio: AsyncClient, document: Document, *, encrypts: bool) -> dict[str, Any]:
    """Upload a file, and return the fields of a message that refer to it. Raises as `Platform.show`."""
    name = None if encrypts else document.name
    data = io.BytesIO(document.data)
    try:
        async with asyncio.timeout(_TIMEOUT):
            response, keys = await nio.upload(
                data, document.media_type, name, encrypt=encrypts, filesize=len(document.data)
            )
    except (TimeoutError, ClientError, OSError) as error:
        raise Transient(f"uploading a file failed: {type(error).__name__}") from None
    if not isinstance(response, UploadResponse):
        raise translated("upload", response)
    url = response.content_uri
    return {"url": url} if keys is None else {"file": {**keys, "url": url}}


async def _content(nio: AsyncClient, url: str, most: int) -> bytes:
    server, _, media = url.removeprefix("mxc://").partition("/")
    method, path = Paths.download(server, media)
    path = path.partition("?")[0]  # It has the token as a parameter, which belongs into a header.
    headers = {"Authorization": f"Bearer {nio.access_token}"}
    found = bytearray()
    try:
        async with await nio.send(method, path, headers=headers, timeout=_TIMEOUT) as response:
            if response.status != 200:
                raise _refused("download", response.status)
            async for chunk in response.content.iter_chunked(_CHUNK):
                found += chunk
                if len(found) > most:
                    raise Rejected(f"the file is larger than {most:,} bytes")
    except (TimeoutError, ClientError, OSError) as error:
        raise Transient(f"downloading a file failed: {type(error).__name__}") from None
    return bytes(found)


def _refused(what: str, status: int) -> PlatformError:
    if status == 429 or status >= 500:
        return Transient(f"{what}: the homeserver failed (status {status})")
    return Rejected(f"{what}: the homeserver refused (status {status})")
