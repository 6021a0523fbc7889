"""WeCom's rules for uploads over the long connection."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.channels.wecom.fake.chats import INVALID_BODY, Refused

LEAST_BYTES, MOST_BYTES = 5, 20 * 1024 * 1024
PIECE_BYTES = 512 * 1024
MOST_PIECES = 100


@dataclass
class Upload:
    """A file that is being uploaded."""

    name: str
    size: int
    pieces: int
    md5: str
    received: dict[int, bytes] = field(default_factory=dict)


@dataclass
class Uploads:
    """All uploads of one bot."""

    running: dict[str, Upload] = field(default_factory=dict)
    media: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Name and content, by the media's id."""
    refuses: bool = False

    def handle(self, command: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if self.refuses:
            raise Refused(INVALID_BODY, "no files")
        match command:
            case "aibot_upload_media_init":
                return self._begin(body)
            case "aibot_upload_media_chunk":
                return self._add(body)
            case _:
                return self._finish(body)

    def _begin(self, body: Mapping[str, Any]) -> dict[str, Any]:
        size, pieces = body.get("total_size"), body.get("total_chunks")
        if body.get("type") != "file" or not body.get("filename"):
            raise Refused(INVALID_BODY, "type and filename are needed")
        if not isinstance(size, int) or not LEAST_BYTES < size <= MOST_BYTES:
            raise Refused(INVALID_BODY, "invalid total_size")
        if not isinstance(pieces, int) or not 0 < pieces <= MOST_PIECES:
            raise Refused(INVALID_BODY, "invalid total_chunks")
        upload_id = f"upload-{len(self.running) + len(self.media)}"
        self.running[upload_id] = Upload(str(body["filename"]), size, pieces, str(body.get("md5")))
        return {"upload_id": upload_id}

    def _add(self, body: Mapping[str, Any]) -> dict[str, Any]:
        upload = self._running(body)
        try:
            piece = base64.b64decode(body["base64_data"], validate=True)
        except (KeyError, TypeError, binascii.Error):
            raise Refused(INVALID_BODY, "invalid base64_data") from None
        index = body.get("chunk_index")
        if not isinstance(index, int) or not 0 <= index < upload.pieces:
            raise Refused(INVALID_BODY, "invalid chunk_index")
        if not piece or len(piece) > PIECE_BYTES:
            raise Refused(INVALID_BODY, "invalid size of a chunk")
        upload.received[index] = piece
        return {}

    def _finish(self, body: Mapping[str, Any]) -> dict[str, Any]:
        upload = self._running(body)
        content = b"".join(upload.received[index] for index in sorted(upload.received))
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if len(upload.received) != upload.pieces or len(content) != upload.size:
            raise Refused(INVALID_BODY, "chunks are missing")
        if digest != upload.md5:
            raise Refused(INVALID_BODY, "md5 mismatch")
        del self.running[str(body["upload_id"])]
        media_id = f"media-{len(self.media)}"
        self.media[media_id] = (upload.name, content)
        return {"type": "file", "media_id": media_id, "created_at": 1_790_000_000}

    def _running(self, body: Mapping[str, Any]) -> Upload:
        upload = self.running.get(str(body.get("upload_id")))
        if upload is None:
            raise Refused(INVALID_BODY, "invalid upload_id")
        return upload
