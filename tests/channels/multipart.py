"""Parses multipart forms with a file, for the fake servers."""

from collections.abc import Mapping
from email import message_from_bytes
from email.message import Message
from typing import cast


def fields_and_files(
    content_type: str, raw: bytes
) -> tuple[Mapping[str, str], Mapping[str, tuple[str, bytes]]]:
    """The text fields, and the files as `(file name, content)`, by their names."""
    form = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + raw)
    assert form.is_multipart(), content_type
    fields: dict[str, str] = {}
    files: dict[str, tuple[str, bytes]] = {}
    for part in cast("list[Message]", form.get_payload()):
        name = str(part.get_param("name", header="content-disposition"))
        content = cast("bytes", part.get_payload(decode=True))
        filename = part.get_filename()
        if filename is None:
            fields[name] = content.decode()
        else:
            files[name] = (filename, content)
    return fields, files
