"""Uploads files, in pieces over the long connection.

https://developer.work.weixin.qq.com/document/path/101463
"""

import base64
import hashlib
from typing import Final

from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Rejected, Transient
from thinkaloud.channels.wecom.connection import LongConnection

MAX_BYTES: Final = 20_000_000
"""WeCom accepts files of up to 20 MB."""
_PIECE: Final = 512 * 1024
"""The most bytes of a piece, before they are written as base64."""


async def upload(connection: LongConnection, document: Document) -> str:
    """Upload a file and return its id for a message. Raises as `LongConnection.request`."""
    data = document.data
    if len(data) > MAX_BYTES:
        raise Rejected(f"the file has more than {MAX_BYTES:,} bytes")
    pieces = [data[start : start + _PIECE] for start in range(0, len(data), _PIECE)]
    response = await connection.request(
        "aibot_upload_media_init",
        {
            "type": "file",
            "filename": document.name,
            "total_size": len(data),
            "total_chunks": len(pieces),
            "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        },
    )
    upload_id = str(response.get("upload_id") or "")
    for number, piece in enumerate(pieces):
        content = base64.b64encode(piece).decode()
        body = {"upload_id": upload_id, "chunk_index": number, "base64_data": content}
        await connection.request("aibot_upload_media_chunk", body)
    ended = await connection.request("aibot_upload_media_finish", {"upload_id": upload_id})
    media_id = str(ended.get("media_id") or "")
    if not media_id:
        raise Transient("the upload: the answer was not understood")
    return media_id
