"""Files that a bot sends: https://discord.com/developers/docs/reference#uploading-files."""

import json
from typing import Any, Final

from tests.channels.discord.fake.validation import Json, Refused
from tests.channels.multipart import fields_and_files

FILE_BYTES: Final = 10 * 1024 * 1024


def body_of(content_type: str, raw: bytes) -> Any:
    """The body of a call; files are in it under `files`."""
    if not content_type.startswith("multipart/form-data"):
        return json.loads(raw) if raw else {}
    fields, files = fields_and_files(content_type, raw)
    body: Json = json.loads(fields["payload_json"])
    return body | {"files": files}


def uploads_of(body: Json) -> dict[str, bytes]:
    """The files of a message by name: each is declared, and together they aren't too large."""
    given = body.get("files") or {}
    declared = {f"files[{each['id']}]": each["filename"] for each in body.get("attachments") or []}
    if declared != {name: filename for name, (filename, _) in given.items()}:
        raise Refused(400, 50035, "Invalid Form Body: attachments")
    if sum(len(data) for _, data in given.values()) > FILE_BYTES:
        raise Refused(413, 40005, "Request entity too large")
    return dict(given.values())
