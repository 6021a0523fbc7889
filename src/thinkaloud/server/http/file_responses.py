"""Responses with user files, with headers that prevent type sniffing and scripts."""

from typing import Final

from starlette.responses import Response

from thinkaloud.core.conversations.filenames import content_disposition, file_label
from thinkaloud.server.http.operation import Answer
from thinkaloud.tools.attachments import image_type

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
_TEXT: Final = "text/plain; charset=utf-8"

FILE: Final = Answer(
    "The content, with its detected media type. Text files are always sent as a download.",
    None,
    media_type=None,
    files=("text/plain", "image/png", "image/jpeg", "image/gif", "image/webp"),
)
"""The file response in the API description."""


def file_response(name: str, data: bytes) -> Response:
    """Return a file as a response. Its type is determined by its content, not by its metadata."""
    media_type = image_type(data)
    # Set as a header, because starlette adds its own charset to `media_type`.
    headers = {
        "Content-Type": media_type or _TEXT,
        "Content-Disposition": content_disposition(file_label(name), inline=media_type is not None),
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, headers=headers)
